/**
 * Mentions in a text. In a frame a mentioned user is `<@id>`; in the field it is `@Name`, chosen from a list that opens
 * after an at sign.
 */

import { avatar } from "../../../console/avatar.js";
import { fill, h } from "../../../console/dom.js";

const BEGUN = /(?:^|\s)@([^\s@][^@\n]{0,30})?$/u;
const MAX_SUGGESTIONS = 6;

/** The text of a message in pieces: strings, and {user, name} for mentions. */
export function piecesOf(text, mentions) {
  const names = new Map(mentions.map(({ user, name }) => [user, name]));
  return text.split(/<@([0-9a-f-]{36})>/u).map((part, index) => {
    if (index % 2 === 0) return part;
    return names.has(part) ? { user: part, name: names.get(part) } : `<@${part}>`;
  });
}

/** The text of a message with names in place of ids. */
export const plainOf = ({ text, mentions = [] }) => piecesOf(text, mentions).map((piece) => (typeof piece === "string" ? piece : `@${piece.name}`)).join("");

/** The suggestions for a text area. `members()` returns those who can be mentioned, as {id, name}. */
export function mentionSuggestions(field, members) {
  let chosen = new Map(); // name → id
  let found = [];
  let selected = 0;
  const list = h("ul", { id: "suggestions", role: "listbox", class: "suggestions", hidden: true, "aria-label": "Members to mention" });
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", "suggestions");

  function draw() {
    list.hidden = found.length === 0;
    fill(
      list,
      found.map((member, index) =>
        h("li", { role: "option", id: `suggestion-${index}`, "aria-selected": String(index === selected), on: { pointerdown: (event) => { event.preventDefault(); choose(member); } } }, avatar(member.id, member.name), member.name),
      ),
    );
    if (found.length) field.setAttribute("aria-activedescendant", `suggestion-${selected}`);
    else field.removeAttribute("aria-activedescendant");
  }

  /** Suggest members for the word before the caret. */
  function update() {
    const begun = BEGUN.exec(field.value.slice(0, field.selectionStart));
    const word = begun?.[1]?.toLocaleLowerCase() ?? "";
    const matches = ({ name }) => [...name.toLocaleLowerCase().split(/\s+/), name.toLocaleLowerCase()].some((part) => part.startsWith(word));
    found = begun ? members().filter(matches).slice(0, MAX_SUGGESTIONS) : [];
    selected = 0;
    draw();
  }

  function close() {
    found = [];
    draw();
  }

  function choose(member) {
    const upTo = field.selectionStart;
    const begin = field.value.lastIndexOf("@", upTo - 1);
    field.setRangeText(`@${member.name} `, begin, upTo, "end");
    chosen.set(member.name, member.id);
    close();
    field.focus();
  }

  return {
    element: list,
    update,
    close,
    forget() {
      chosen = new Map();
      close();
    },
    /** Handle a key. Returns whether the list used it. */
    key(event) {
      if (!found.length) return false;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") selected = (selected + (event.key === "ArrowDown" ? 1 : found.length - 1)) % found.length;
      else if (event.key === "Enter" || event.key === "Tab") choose(found[selected]);
      else if (event.key === "Escape") close();
      else return false;
      draw();
      event.preventDefault();
      event.stopPropagation();
      return true;
    },
    /** The members that were chosen, as a message has its mentions. */
    chosen: () => [...chosen].map(([name, user]) => ({ user, name })),
    /** The field's text for a frame. Longer names go first, because one name may begin with another. */
    encode: (text) => [...chosen].sort(([one], [other]) => other.length - one.length).reduce((done, [name, id]) => done.replaceAll(`@${name}`, `<@${id}>`), text),
    /** A message's text for the field. */
    decode(message) {
      for (const { user, name } of message.mentions) chosen.set(name, user);
      return plainOf(message);
    },
  };
}
