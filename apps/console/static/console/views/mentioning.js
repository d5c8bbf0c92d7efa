/**
 * Naming people in a text. On the wire a person is `<@id>`; in the field they are `@Name`, chosen from a list that opens
 * after an at sign. What does not live here: who they are and what becomes of the text.
 */

import { fill, h } from "../dom.js";
import { stone } from "./person.js";

const BEGUN = /(?:^|\s)@([^\s@][^@\n]{0,30})?$/u;
const MOST = 6;

/** The text of a message in pieces: strings, and {user, name} where somebody is named. */
export function piecesOf(text, mentions) {
  const names = new Map(mentions.map(({ user, name }) => [user, name]));
  return text.split(/<@([0-9a-f-]{36})>/u).map((part, index) => {
    if (index % 2 === 0) return part;
    return names.has(part) ? { user: part, name: names.get(part) } : `<@${part}>`;
  });
}

/** The text of a message as a person reads it, in one string. */
export const plainOf = ({ text, mentions = [] }) => piecesOf(text, mentions).map((piece) => (typeof piece === "string" ? piece : `@${piece.name}`)).join("");

/** The list over a text area. `people()` are those who can be named, as {id, name}. */
export function mentioning(field, people) {
  let chosen = new Map(); // name → id
  let found = [];
  let at = 0;
  const list = h("ul", { id: "named", role: "listbox", class: "named", hidden: true, "aria-label": "People to name" });
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", "named");

  function draw() {
    list.hidden = found.length === 0;
    fill(
      list,
      found.map((person, index) =>
        h("li", { role: "option", id: `named-${index}`, "aria-selected": String(index === at), on: { pointerdown: (event) => { event.preventDefault(); take(person); } } }, stone(person.id, person.name), person.name),
      ),
    );
    if (found.length) field.setAttribute("aria-activedescendant", `named-${at}`);
    else field.removeAttribute("aria-activedescendant");
  }

  function look() {
    const begun = BEGUN.exec(field.value.slice(0, field.selectionStart));
    const word = begun?.[1]?.toLocaleLowerCase() ?? "";
    found = begun ? people().filter(({ name }) => name.toLocaleLowerCase().split(/\s+/).concat(name.toLocaleLowerCase()).some((part) => part.startsWith(word))).slice(0, MOST) : [];
    at = 0;
    draw();
  }

  function close() {
    found = [];
    draw();
  }

  function take(person) {
    const upTo = field.selectionStart;
    const begin = field.value.lastIndexOf("@", upTo - 1);
    field.setRangeText(`@${person.name} `, begin, upTo, "end");
    chosen.set(person.name, person.id);
    close();
    field.focus();
  }

  return {
    element: list,
    look,
    close,
    forget() {
      chosen = new Map();
      close();
    },
    /** Whether a key was the list's. */
    key(event) {
      if (!found.length) return false;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") at = (at + (event.key === "ArrowDown" ? 1 : found.length - 1)) % found.length;
      else if (event.key === "Enter" || event.key === "Tab") take(found[at]);
      else if (event.key === "Escape") close();
      else return false;
      draw();
      event.preventDefault();
      event.stopPropagation();
      return true;
    },
    /** Who was chosen from the list, as a message has it. */
    chosen: () => [...chosen].map(([name, user]) => ({ user, name })),
    /** What is in the field as it goes over the wire. The longest names first: one may begin with another. */
    encode: (text) => [...chosen].sort(([one], [other]) => other.length - one.length).reduce((done, [name, id]) => done.replaceAll(`@${name}`, `<@${id}>`), text),
    /** A message's text as it is changed in the field. */
    decode(message) {
      for (const { user, name } of message.mentions) chosen.set(name, user);
      return piecesOf(message.text, message.mentions).map((piece) => (typeof piece === "string" ? piece : `@${piece.name}`)).join("");
    },
  };
}
