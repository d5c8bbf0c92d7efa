/** Where a message is written, and where one's own is written anew. */

import { h, icon } from "../dom.js";

const LONGEST = 4000;

/**
 * The form. `send(text)`, `change(message, text)`, `writing()` and `lastOwn()` are the room's; Enter sends, Shift+Enter
 * breaks the line, ArrowUp in an empty field takes the last own message up, Esc lets go of it.
 */
export function composer({ roomName, send, change, writing, lastOwn }) {
  let editing = null;
  const field = h("textarea", {
    id: "message",
    rows: 1,
    maxLength: LONGEST,
    placeholder: `Write to ${roomName}`,
    autocomplete: "off",
    dir: "auto",
    enterKeyHint: "send",
    "aria-describedby": "message-help",
  });
  const about = h("p", { class: "editing", hidden: true }, "Changing your message. ", h("button", { type: "button", class: "link", on: { click: leave } }, "Leave it (Esc)"));
  const button = h("button", { type: "submit", class: "primary send", "aria-label": "Send" }, icon("send"));

  function fit() {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, innerHeight * 0.35)}px`;
  }

  function take(message) {
    editing = message;
    about.hidden = false;
    field.value = message.text;
    button.setAttribute("aria-label", "Save the change");
    fit();
    field.focus();
  }

  function leave() {
    editing = null;
    about.hidden = true;
    field.value = "";
    button.setAttribute("aria-label", "Send");
    fit();
    field.focus();
  }

  function submit(event) {
    event?.preventDefault();
    const text = field.value.trim();
    if (!text) return;
    const message = editing;
    leave();
    if (!message) send(text);
    else if (text !== message.text) change(message, text);
  }

  field.addEventListener("input", () => {
    fit();
    if (!editing && field.value.trim()) writing();
  });
  field.addEventListener("keydown", (event) => {
    // While an input method composes a word, Enter belongs to it.
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) submit(event);
    else if (event.key === "Escape" && editing) {
      event.stopPropagation();
      leave();
    } else if (event.key === "ArrowUp" && !field.value) {
      const message = lastOwn();
      if (!message) return;
      event.preventDefault();
      take(message);
    }
  });

  const element = h(
    "form",
    { class: "composer", on: { submit } },
    about,
    h("div", { class: "row" }, h("label", { class: "hidden", htmlFor: "message" }, `Message to ${roomName}`), field, button),
    h("p", { class: "hint", id: "message-help" }, h("kbd", {}, "Enter"), " sends, ", h("kbd", {}, "Shift"), " + ", h("kbd", {}, "Enter"), " breaks the line, ", h("kbd", {}, "↑"), " changes your last message"),
  );
  function focus() {
    field.focus();
    // A dialog that was open meanwhile may have taken the caret along although the focus came back.
    field.setSelectionRange(field.value.length, field.value.length);
  }

  return { element, take, focus };
}
