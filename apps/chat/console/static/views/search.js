/** Search in a room: a field, and the messages that were found with the words marked. */

import { avatar } from "../../../console/avatar.js";
import { api, data, isFailure, messageFor } from "../../../console/api.js";
import { fill, h, icon, isComposing } from "../../../console/dom.js";
import { product } from "../../../console/registry.js";
import { dayOf, timeOf } from "../../../console/text.js";

const PAGE = 20;

/** The panel. `goTo(seq)` shows a message in the conversation; `closed()` is called when the panel is closed. */
export function searchPanel(slug, { goTo, closed }) {
  const field = h("input", { id: "search", type: "search", name: "q", maxLength: 200, autocomplete: "off", placeholder: 'Words, "a phrase", -without' });
  const state = h("p", { class: "hint", role: "status" });
  const list = h("ol", { class: "results" });
  const panel = h(
    "section",
    { class: "search", id: "search-panel", hidden: true, "aria-label": "Search in this room" },
    h("form", { class: "row", role: "search", on: { submit } }, h("label", { class: "hidden", htmlFor: "search" }, "Search in this room"), field, h("button", { type: "submit", class: "quiet" }, "Search"), h("button", { type: "button", class: "tool", "aria-label": "Close the search", on: { click: () => toggle(false) } }, icon("close"))),
    state,
    list,
  );

  const result = ({ seq, from, from_name: name, at, snippet }) =>
    h(
      "li",
      {},
      h(
        "button",
        { type: "button", on: { click: () => goTo(seq) } },
        avatar(from, name || product),
        h("span", { class: "result" }, h("small", {}, `${name || product} · ${dayOf(at)} ${timeOf(at)}`), h("span", {}, snippet.map(({ text, match }) => (match ? h("mark", {}, text) : text)))),
      ),
    );

  async function submit(event) {
    event.preventDefault();
    const q = field.value.trim();
    if (!q) return;
    state.textContent = "Searching …";
    try {
      const { results, next } = await data(api.chatMessagesSearch({ path: { slug }, query: { q, limit: PAGE } }));
      fill(list, results.map(result));
      state.textContent = results.length ? `${next ? `The newest ${results.length}` : results.length} found` : "Nothing found.";
    } catch (error) {
      if (!isFailure(error)) throw error;
      fill(list);
      state.textContent = messageFor(error);
    }
  }

  function toggle(isOpen = panel.hidden) {
    panel.hidden = !isOpen;
    if (isOpen) field.focus();
    else closed();
  }

  panel.addEventListener("keydown", (event) => event.key === "Escape" && !isComposing(event) && toggle(false));
  return { element: panel, toggle };
}
