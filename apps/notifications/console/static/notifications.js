/** The page of notifications, the newest first. Opening one marks it as read. */

import { api, data, isFailure, messageFor } from "../../console/api.js";
import { announce, fill, h } from "../../console/dom.js";
import { on } from "../../console/registry.js";
import { dayOf, timeOf } from "../../console/text.js";

const PAGE = 30;

/** The target of a notification: a path of this site. Services may send any link, so it is checked. */
const targetOf = ({ link }) => (/^\/(?![/\\])/.test(link) ? link : "#/notifications");

/** The view. */
export function notificationsView(inbox) {
  const heading = h("h1", {}, "Notifications");
  const state = h("p", { class: "lead", role: "status" }, "Loading …");
  const list = h("ol", { class: "notifications" });
  const all = h("button", { type: "button", class: "quiet", hidden: true, on: { click: readAll } }, "Mark all as read");
  const earlier = h("button", { type: "button", class: "quiet", hidden: true, on: { click: () => load(next) } }, "Earlier notifications");
  const shown = new Map(); // id → entry: what arrives while a page is loaded may be on that page, too
  let next = null;

  /** Entries for those that are not in the list yet. */
  function entriesOf(some) {
    const missing = some.filter(({ id }) => !shown.has(id));
    for (const one of missing) shown.set(one.id, entry(one));
    return missing.map(({ id }) => shown.get(id));
  }

  const entry = (one) =>
    h(
      "li",
      { class: one.read ? "card" : "card unread" },
      h(
        "a",
        { href: targetOf(one), on: { click: () => read(one) } },
        h("strong", {}, one.title),
        one.body && h("span", { class: "body" }, one.body),
        h("small", {}, `${dayOf(one.at)} ${timeOf(one.at)}`, !one.read && h("span", { class: "hidden" }, " · unread")),
      ),
    );

  async function guarded(work) {
    try {
      await work();
    } catch (error) {
      if (!isFailure(error)) throw error;
      state.textContent = messageFor(error);
    }
  }

  const read = (one) => one.read || guarded(async () => {
    await api.notificationsRead({ path: { notification_id: one.id } });
    inbox.poll();
  });

  function readAll() {
    return guarded(async () => {
      await api.notificationsReadAll({ body: {} });
      announce("All notifications are marked as read.");
      inbox.poll();
      await load();
    });
  }

  function load(cursor) {
    return guarded(async () => {
      const page = await data(api.notificationsList({ query: { limit: PAGE, ...(cursor ? { cursor } : {}) } }));
      if (!cursor) {
        shown.clear();
        fill(list);
      }
      list.append(...entriesOf(page.results));
      next = page.next && new URL(page.next, location.origin).searchParams.get("cursor");
      earlier.hidden = !next;
      drawState();
    });
  }

  function drawState() {
    all.hidden = !list.querySelector(".unread");
    state.textContent = list.children.length ? "What concerns you, the newest first." : "You have no notifications.";
  }

  const stops = [
    on("notified", (one) => {
      list.prepend(...entriesOf([one]));
      drawState();
    }),
    on("revised", (one) => {
      const known = shown.get(one.id);
      if (!known) return;
      shown.set(one.id, entry(one));
      known.replaceWith(shown.get(one.id));
      drawState();
    }),
    on("retracted", (ids) => {
      for (const id of ids) {
        shown.get(id)?.remove();
        shown.delete(id);
      }
      drawState();
    }),
  ];
  const stop = () => stops.forEach((end) => end());
  load();
  return { element: h("div", { class: "page" }, heading, state, all, list, earlier), heading, title: "Notifications", stop };
}
