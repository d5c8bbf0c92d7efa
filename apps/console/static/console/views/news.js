/** What one was told: mentions, answers, invitations. The newest first; what is opened counts as read. */

import { api, data, isFailure, wordsOf } from "../api.js";
import { announce, fill, h } from "../dom.js";
import { dayOf, timeOf } from "../text.js";

const PAGE = 30;

/** Where a notification leads: a path of this site, or nowhere. Services may send some of their own, so it is looked at. */
const placeOf = ({ link }) => (/^\/(?!\/)/.test(link) ? link : "#/news");

/** The view over an `Inbox`. Returns {element, heading, title, stop}. */
export function newsView(inbox) {
  const heading = h("h1", {}, "News");
  const state = h("p", { class: "lead", role: "status" }, "Looking …");
  const list = h("ol", { class: "news" });
  const all = h("button", { type: "button", class: "quiet", hidden: true, on: { click: readAll } }, "Mark all as read");
  const further = h("button", { type: "button", class: "quiet", hidden: true, on: { click: more } }, "Earlier ones");
  const shown = new Set(); // ids; what comes while a page is fetched may be on that page, too
  let next = null;

  /** The entries of those that are not on the list yet. */
  const fresh = (some) => {
    const missing = some.filter(({ id }) => !shown.has(id));
    for (const { id } of missing) shown.add(id);
    return missing.map(entry);
  };

  const entry = (one) =>
    h(
      "li",
      { class: one.read ? "card" : "card unread" },
      h(
        "a",
        { href: placeOf(one), on: { click: () => read(one) } },
        h("strong", {}, one.title),
        one.body && h("span", { class: "body" }, one.body),
        h("small", {}, `${dayOf(one.at)} ${timeOf(one.at)}`, !one.read && h("span", { class: "hidden" }, " · not read")),
      ),
    );

  async function guarded(act) {
    try {
      await act();
    } catch (error) {
      if (!isFailure(error)) throw error;
      state.textContent = wordsOf(error);
    }
  }

  const read = (one) => one.read || guarded(async () => {
    await api.notificationsRead({ path: { notification_id: one.id } });
    inbox.look();
  });

  function readAll() {
    return guarded(async () => {
      await api.notificationsReadAll({ body: {} });
      announce("All are marked as read.");
      inbox.look();
      await show();
    });
  }

  function more() {
    return show(next);
  }

  function show(cursor) {
    return guarded(async () => {
      const page = await data(api.notificationsList({ query: { limit: PAGE, ...(cursor ? { cursor } : {}) } }));
      if (!cursor) {
        shown.clear();
        fill(list);
      }
      list.append(...fresh(page.results));
      next = page.next && new URL(page.next, location.origin).searchParams.get("cursor");
      further.hidden = !next;
      tell();
    });
  }

  function tell() {
    all.hidden = !list.querySelector(".unread");
    state.textContent = list.children.length ? "Who named you, answered you, or invited you." : "Nothing yet. Who names you, answers you or invites you is told here.";
  }

  function arrived({ detail }) {
    list.prepend(...fresh([detail]));
    tell();
  }

  inbox.addEventListener("told", arrived);
  show();
  return { element: h("div", { class: "page" }, heading, state, all, list, further), heading, title: "News", stop: () => inbox.removeEventListener("told", arrived) };
}
