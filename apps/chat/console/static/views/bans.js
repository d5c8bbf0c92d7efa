/** The banned users of a room, for its moderators. Nothing is loaded while the list is closed. */

import { api, data, messageFor } from "../../../console/api.js";
import { announce, closesOnEscape, fill, h, icon } from "../../../console/dom.js";

/** The list. `refresh()` loads it again if it is open. */
export function bansPanel(slug) {
  const list = h("ul", { "aria-label": "Banned users" });
  const state = h("p", { class: "outcome", role: "status" });
  const element = closesOnEscape(h("details", { class: "invite bans" }, h("summary", {}, icon("leave"), "Banned users"), list, state));
  element.addEventListener("toggle", refresh);

  function entry({ user, name }) {
    const lift = h("button", { type: "button", class: "quiet", on: { click: () => unban(user, name) } }, "Unban", h("span", { class: "hidden" }, ` ${name}`));
    return h("li", {}, h("span", { class: "name" }, name), lift);
  }

  async function unban(user, name) {
    try {
      await api.chatBansLift({ path: { slug, user_id: user } });
      announce(`${name} is no longer banned.`);
    } catch (error) {
      announce(messageFor(error));
    }
    await refresh();
  }

  async function refresh() {
    if (!element.open) return;
    try {
      const { results, next } = await data(api.chatBansList({ path: { slug }, query: { limit: 100 } }));
      fill(list, results.map(entry));
      state.textContent = results.length === 0 ? "No one is banned." : next ? "Only the first 100 are shown." : "";
    } catch (error) {
      state.textContent = messageFor(error);
    }
  }

  return { element, refresh };
}
