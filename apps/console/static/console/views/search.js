/** Looking for words in a room: a field, and what was found with the words marked. */

import { api, data, isFailure, wordsOf } from "../api.js";
import { fill, h, icon } from "../dom.js";
import { dayOf, timeOf } from "../text.js";
import { stone } from "./person.js";

const PAGE = 20;

/** The panel; `goTo(seq)` shows a message in the conversation, `closed()` is called when it is put away. */
export function searchPanel(slug, { goTo, closed }) {
  const field = h("input", { id: "search", type: "search", name: "q", maxLength: 200, autocomplete: "off", placeholder: 'Words, "a phrase", -without' });
  const state = h("p", { class: "hint", role: "status" });
  const list = h("ol", { class: "found" });
  const panel = h(
    "section",
    { class: "search", id: "search-panel", hidden: true, "aria-label": "Search in this room" },
    h("form", { class: "row", role: "search", on: { submit } }, h("label", { class: "hidden", htmlFor: "search" }, "Search in this room"), field, h("button", { type: "submit", class: "quiet" }, "Search"), h("button", { type: "button", class: "tool", "aria-label": "Close the search", on: { click: () => toggle(false) } }, icon("cross"))),
    state,
    list,
  );

  const found = ({ seq, from, from_name: name, at, snippet }) =>
    h(
      "li",
      {},
      h(
        "button",
        { type: "button", on: { click: () => goTo(seq) } },
        stone(from, name),
        h("span", { class: "what" }, h("small", {}, `${name || "Sarsen"} · ${dayOf(at)} ${timeOf(at)}`), h("span", {}, snippet.map(({ text, match }) => (match ? h("mark", {}, text) : text)))),
      ),
    );

  async function submit(event) {
    event.preventDefault();
    const q = field.value.trim();
    if (!q) return;
    state.textContent = "Looking …";
    try {
      const { results, next } = await data(api.chatMessagesSearch({ path: { slug }, query: { q, limit: PAGE } }));
      fill(list, results.map(found));
      state.textContent = results.length ? `${next ? `The newest ${results.length}` : results.length} found` : "Nothing found.";
    } catch (error) {
      if (!isFailure(error)) throw error;
      fill(list);
      state.textContent = wordsOf(error);
    }
  }

  function toggle(isOpen = panel.hidden) {
    panel.hidden = !isOpen;
    if (isOpen) field.focus();
    else closed();
  }

  panel.addEventListener("keydown", (event) => event.key === "Escape" && toggle(false));
  return { element: panel, toggle };
}
