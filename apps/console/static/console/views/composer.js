/** Where a message is written, answered with files and names in it, and where one's own is written anew. */

import { h, icon } from "../dom.js";
import { mentioning } from "./mentioning.js";
import { uploadTray } from "./uploads.js";

const LONGEST = 4000;

/**
 * The form. `send({text, mentions, replyTo, attachments})`, `change(message, text)`, `writing()`, `lastOwn()` and `people()` are the
 * room's; Enter sends, Shift+Enter breaks the line, ArrowUp in an empty field takes the last own message up, Esc lets go.
 * Returns {element, take(message), reply(message), focus()}.
 */
export function composer({ slug, roomName, send, change, writing, lastOwn, people }) {
  let editing = null;
  let replyTo = null;
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
  const names = mentioning(field, people);
  const tray = uploadTray(slug, { changed: () => { button.disabled = tray.isBusy; } });
  const aboutText = h("span", {});
  const about = h("p", { class: "about", hidden: true }, aboutText, " ", h("button", { type: "button", class: "link", on: { click: leave } }, "Cancel (Esc)"));
  const button = h("button", { type: "submit", class: "primary send", "aria-label": "Send" }, icon("send"));
  const chooser = h("input", { type: "file", id: "message-files", multiple: true, hidden: true, on: { change: chosen } });
  const clip = h("button", { type: "button", class: "tool clip", "aria-label": "Add files", on: { click: () => chooser.click() } }, icon("clip"));

  function fit() {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, innerHeight * 0.35)}px`;
  }

  function say(words = "") {
    aboutText.textContent = words;
    about.hidden = !words;
    button.setAttribute("aria-label", editing ? "Save the change" : "Send");
    clip.disabled = editing !== null;
    fit();
    field.focus();
  }

  function take(message) {
    leave();
    editing = message;
    field.value = names.decode(message);
    say("Changing your message.");
  }

  function reply(message) {
    if (editing) leave();
    replyTo = message;
    say(`Answering ${message.fromName || "Sarsen"}.`);
  }

  function leave() {
    if (editing) field.value = "";
    editing = replyTo = null;
    names.forget();
    say();
  }

  function submit(event) {
    event?.preventDefault();
    const text = names.encode(field.value.trim());
    const mentions = names.chosen();
    const attachments = tray.ready();
    if (tray.isBusy || (!text && (editing || !attachments.length))) return;
    const [changed, answered] = [editing, replyTo];
    field.value = "";
    if (!changed) tray.clear();
    leave();
    if (!changed) send({ text, mentions, replyTo: answered, attachments });
    else if (text !== changed.text) change(changed, text);
  }

  function chosen() {
    tray.take(chooser.files);
    chooser.value = "";
    field.focus();
  }

  /** Files that were pasted or dropped; true when there were any. */
  function brought({ files }) {
    if (!files?.length || editing) return false;
    tray.take(files);
    return true;
  }

  field.addEventListener("input", () => {
    fit();
    names.look();
    if (!editing && field.value.trim()) writing();
  });
  field.addEventListener("blur", () => names.close());
  field.addEventListener("paste", (event) => brought(event.clipboardData) && event.preventDefault());
  field.addEventListener("keydown", (event) => {
    // While an input method composes a word, Enter belongs to it.
    if (event.isComposing || names.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey) submit(event);
    else if (event.key === "Escape" && (editing || replyTo)) {
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
    { class: "composer", on: { submit, dragover: (event) => event.preventDefault(), drop: (event) => brought(event.dataTransfer) && event.preventDefault() } },
    about,
    names.element,
    tray.element,
    h("div", { class: "row" }, chooser, clip, h("label", { class: "hidden", htmlFor: "message" }, `Message to ${roomName}`), field, button),
    h("p", { class: "hint", id: "message-help" }, h("kbd", {}, "Enter"), " sends, ", h("kbd", {}, "Shift"), " + ", h("kbd", {}, "Enter"), " breaks the line, ", h("kbd", {}, "↑"), " changes your last message, ", h("kbd", {}, "@"), " names somebody"),
  );
  function focus() {
    field.focus();
    // A dialog that was open meanwhile may have taken the caret along although the focus came back.
    field.setSelectionRange(field.value.length, field.value.length);
  }

  return { element, take, reply, focus };
}
