/** Which page is shown: by the address after #, by who is signed in, and by what arrived with the address. */

import { announce, fill, focusOn, h } from "./dom.js";
import { homeView } from "./home.js";
import { arrivals, cards, emit, linkedPages, on, pages, product, session, titleCount } from "./registry.js";

const RESUMING = "Resuming your session …";

const main = document.getElementById("main");
let shown = {}; // the view
let current = null; // its page; null is Home
let arrival = null; // what is shown instead of a page until the address changes

/** The address after # as a list of its parts. */
export function address() {
  try {
    return location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);
  } catch {
    return []; // not an address of this console
  }
}

/** The name of the page that is shown; "home" for Home. */
export const pageName = () => document.body.dataset.page;

const resuming = (tag) => h(tag, { class: "card delayed", role: "status" }, RESUMING);

function home() {
  return homeView(session.isPending ? [resuming("p")] : cards.map((draw) => draw()).filter(Boolean));
}

function arrived() {
  const { card, ...more } = arrival();
  return { ...homeView([card]), ...more };
}

function waiting() {
  const heading = resuming("p");
  return { element: h("div", { class: "page" }, heading), heading, title: "" };
}

/** Show what belongs to the address. With `focus` the heading is focused and announced. */
export function show({ focus = false } = {}) {
  const [name, ...rest] = address();
  const found = arrival ? null : (pages.get(name) ?? null);
  const page = session.user ? found : null;
  shown.stop?.();
  if (current && current !== page) current.close?.();
  current = page;
  shown = arrival ? arrived() : page ? page.open(rest) : found && session.isPending ? waiting() : home();
  fill(main, shown.element);
  document.body.dataset.page = page ? name : "home";
  document.body.classList.toggle("fills-window", Boolean(page?.fillsWindow));
  drawTitle();
  emit("shown");
  if (shown.focus) shown.focus();
  else if (focus && shown.heading) focusOn(shown.heading);
  if (focus && shown.title) announce(shown.title);
}

function drawTitle() {
  const unread = titleCount();
  document.title = [unread > 0 && `(${unread}) `, shown.title && `${shown.title} · `, product].filter(Boolean).join("");
}

/** Go to an address after #, or show it anew. */
export function go(hash) {
  if (location.hash === hash) show({ focus: true });
  else location.hash = hash;
}

/** Lead a user who has just signed in to the first page that has something to land on, else Home. */
export async function land() {
  for (const [, page] of linkedPages()) {
    const hash = await page.landing?.();
    if (hash) return go(hash);
  }
  return go("#/");
}

/** Give up what arrived with the address. `show` or `land` has to follow. */
export function dismissArrival() {
  arrival = null;
}

/** Show the first page and follow the address from now on. */
export function start() {
  const take = () => arrivals.reduce((found, look) => found ?? look(), null);
  addEventListener("hashchange", () => {
    if (location.hash === "#main") return; // the link that skips the header
    arrival = take();
    show({ focus: true });
  });
  on("signed-in", async ({ isResumed }) => {
    // A reload stays where it was. So does a page that was asked for before signing in.
    if (arrival) emit("shown");
    else if (pages.has(address()[0]) || (isResumed && location.hash === "#/")) show();
    else await land();
  });
  on("signed-out", () => {
    if (arrival) emit("shown");
    else if (address().length) location.hash = "#/";
    else show();
  });
  on("counted", drawTitle);
  arrival = take();
  show({ focus: arrival !== null });
  emit("start");
}
