/** The field for a message, with replies, files and mentions, and for changing an own message. */

import { h, icon, isComposing } from "../../../console/dom.js";
import { product } from "../../../console/registry.js";
import { mentionSuggestions } from "./mentions.js";
import { uploadList } from "./uploads.js";

const MAX_LENGTH = 4000;

/**
 * The form. `send({text, mentions, replyTo, attachments})`, `change(message, text)`, `typing()`, `lastOwn()` and
 * `members()` are the room's. Enter sends, Shift+Enter breaks the line, ArrowUp in an empty field edits the last own
 * message, Esc cancels. Returns {element, edit(message), reply(message), focus()}.
 */
export function composer({ slug, roomName, send, change, typing, lastOwn, members }) {
  let editing = null;
  let replyTo = null;
  const field = h("textarea", {
    id: "message",
    rows: 1,
    maxLength: MAX_LENGTH,
    placeholder: `Message to ${roomName}`,
    autocomplete: "off",
    dir: "auto",
    enterKeyHint: "send",
    "aria-describedby": "message-help",
  });
  const mentions = mentionSuggestions(field, members);
  const uploads = uploadList(slug, { changed: () => { button.disabled = uploads.isBusy; } });
  const aboutText = h("span", {});
  const about = h("p", { class: "about", hidden: true }, aboutText, " ", h("button", { type: "button", class: "link", on: { click: cancel } }, "Cancel (Esc)"));
  const button = h("button", { type: "submit", class: "primary send", "aria-label": "Send" }, icon("send"));
  const chooser = h("input", { type: "file", id: "message-files", multiple: true, hidden: true, on: { change: addChosen } });
  const clip = h("button", { type: "button", class: "tool clip", "aria-label": "Add files", on: { click: () => chooser.click() } }, icon("clip"));

  function fit() {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, innerHeight * 0.35)}px`;
  }

  function showAbout(words = "") {
    aboutText.textContent = words;
    about.hidden = !words;
    button.setAttribute("aria-label", editing ? "Save the change" : "Send");
    clip.disabled = editing !== null;
    fit();
    field.focus();
  }

  function edit(message) {
    cancel();
    editing = message;
    field.value = mentions.decode(message);
    showAbout("Editing your message.");
  }

  function reply(message) {
    if (editing) cancel();
    replyTo = message;
    showAbout(`Replying to ${message.fromName || product}.`);
  }

  function cancel() {
    if (editing) field.value = "";
    editing = replyTo = null;
    mentions.forget();
    showAbout();
  }

  function submit(event) {
    event?.preventDefault();
    // Half of a surrogate pair cannot be encoded; the server refuses it.
    const text = mentions.encode((field.value.toWellFormed?.() ?? field.value).trim());
    const mentioned = mentions.chosen();
    const attachments = uploads.ready();
    if (uploads.isBusy || (!text && (editing || !attachments.length))) return;
    const [edited, answered] = [editing, replyTo];
    field.value = "";
    if (!edited) uploads.clear();
    cancel();
    if (!edited) send({ text, mentions: mentioned, replyTo: answered, attachments });
    else if (text !== edited.text) change(edited, text);
  }

  function addChosen() {
    uploads.add(chooser.files);
    chooser.value = "";
    field.focus();
  }

  /** Add files that were pasted or dropped. Returns whether there were any. */
  function addTransferred({ files }) {
    if (!files?.length || editing) return false;
    uploads.add(files);
    return true;
  }

  field.addEventListener("input", () => {
    fit();
    mentions.update();
    if (!editing && field.value.trim()) typing();
  });
  field.addEventListener("blur", () => mentions.close());
  field.addEventListener("paste", (event) => addTransferred(event.clipboardData) && event.preventDefault());
  field.addEventListener("keydown", (event) => {
    if (isComposing(event) || mentions.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey) submit(event);
    else if (event.key === "Escape" && (editing || replyTo)) {
      event.stopPropagation();
      cancel();
    } else if (event.key === "ArrowUp" && !field.value) {
      const message = lastOwn();
      if (!message) return;
      event.preventDefault();
      edit(message);
    }
  });

  const element = h(
    "form",
    { class: "composer", on: { submit, dragover: (event) => event.preventDefault(), drop: (event) => addTransferred(event.dataTransfer) && event.preventDefault() } },
    about,
    mentions.element,
    uploads.element,
    h("div", { class: "row" }, chooser, clip, h("label", { class: "hidden", htmlFor: "message" }, `Message to ${roomName}`), field, button),
    h("p", { class: "hint", id: "message-help" }, h("kbd", {}, "Enter"), " sends, ", h("kbd", {}, "Shift"), " + ", h("kbd", {}, "Enter"), " breaks the line, ", h("kbd", {}, "↑"), " edits your last message, ", h("kbd", {}, "@"), " mentions a member"),
  );

  function focus() {
    field.focus();
    // A dialog that was open may have lost the caret although the focus came back.
    field.setSelectionRange(field.value.length, field.value.length);
  }

  return { element, edit, reply, focus };
}
