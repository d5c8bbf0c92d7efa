/** Who may not come into a room any more, for those who moderate it. Closed it asks for nothing. */

import { api, data, wordsOf } from "../api.js";
import { announce, closesOnEscape, fill, h, icon } from "../dom.js";

/** `refresh()` asks anew, if the list is open. */
export function bansPanel(slug) {
  const list = h("ul", { "aria-label": "Banned people" });
  const told = h("p", { class: "told", role: "status" });
  const element = closesOnEscape(h("details", { class: "invite bans" }, h("summary", {}, icon("door"), "Banned people"), list, told));
  element.addEventListener("toggle", refresh);

  function entry({ user, name }) {
    const lift = h("button", { type: "button", class: "quiet", on: { click: () => letIn(user, name) } }, "Lift", h("span", { class: "hidden" }, ` the ban of ${name}`));
    return h("li", {}, h("span", { class: "name" }, name), lift);
  }

  async function letIn(user, name) {
    try {
      await api.chatBansLift({ path: { slug, user_id: user } });
      announce(`${name} may come in again.`);
    } catch (error) {
      announce(wordsOf(error));
    }
    await refresh();
  }

  async function refresh() {
    if (!element.open) return;
    try {
      const { results, next } = await data(api.chatBansList({ path: { slug }, query: { limit: 100 } }));
      fill(list, results.map(entry));
      told.textContent = results.length === 0 ? "Nobody is." : next ? "These are the first hundred." : "";
    } catch (error) {
      told.textContent = wordsOf(error);
    }
  }

  return { element, refresh };
}
