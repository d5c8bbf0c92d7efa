/**
 * The console. What lives here: starting, which view is shown, the header, the list of rooms kept fresh.
 * What does not: what the views look like. Each view is a function that returns {element, heading, stop}.
 */

import { api, isFailure, paginate } from "./api.js";
import { announce, fill, focusOn, h, icon } from "./dom.js";
import { Inbox } from "./inbox.js";
import { takeLink } from "./letters.js";
import { takeReturn } from "./providers.js";
import { TabSession } from "./session.js";
import { createStore } from "./store.js";
import { theme } from "./theme.js";
import { forgetUnsent } from "./unsent.js";
import { accountView } from "./views/account.js";
import { enterCard, insideCard } from "./views/enter.js";
import { houseView } from "./views/house.js";
import { letterCard } from "./views/letter.js";
import { newsView } from "./views/news.js";
import { stone } from "./views/person.js";
import { roomView, whyParted } from "./views/room.js";
import { roomsPanel } from "./views/rooms.js";

const ROOMS_EVERY = 20_000; // how often unread counts of the other rooms are asked for
const MOST_ROOMS = 500; // shown in the list
const RESUMING = "Taking up your session …";
const AGAIN = 2_000; // between attempts to take a session up while the server is away

const main = document.getElementById("main");
const session = new TabSession();
const inbox = new Inbox(session);
const store = createStore({ rooms: null, open: null });
let isResuming = session.tokens.isSignedIn; // a reload has interrupted a session, which is being taken up
let shown = { stop: () => {} };
let panel = null;
let returned = takeReturn(); // what a provider has sent the browser back with, until a view has taken it up
let entrance = {}; // what the entrance has to say when it is shown next
let letter = takeLink(); // the link of a mail that is being followed; it stays shown until the person goes on

const read = new Map(); // slug → how far this page has told the server that one has read; its list may lag behind

/** A room as the views want it. */
function roomOf(raw) {
  const isMember = raw.role !== null;
  const unread = isMember ? Math.max(0, raw.seq - Math.max(raw.read_seq, read.get(raw.slug) ?? 0)) : 0;
  return { ...raw, isMember, unread };
}

function seen(slug, seq) {
  read.set(slug, seq);
  inbox.seen(slug, seq);
  store.set({ rooms: store.get().rooms?.map((room) => (room.slug === slug ? roomOf(room) : room)) ?? null });
}

/** Read the list of rooms anew and open again what that changes. */
async function refresh() {
  if (!session.user) return;
  const rooms = [];
  try {
    for await (const raw of paginate((page) => api.chatRoomsList({ query: { limit: 100, ...page } }))) {
      if (rooms.push(roomOf(raw)) === MOST_ROOMS) break;
    }
  } catch (error) {
    if (!isFailure(error)) throw error;
    if (!store.get().rooms) setTimeout(refresh, AGAIN);
    return; // the open room shows that the line is cut, and the next round asks again
  }
  for (const { slug, isMember, read_seq: seq } of rooms) if (isMember) inbox.seen(slug, seq);
  const membership = (list) => list?.find((room) => room.slug === store.get().open)?.isMember;
  const changed = membership(rooms) !== membership(store.get().rooms);
  store.set({ rooms });
  title();
  if (changed) show();
}

// How much news is not read, beside the word in the header.
inbox.addEventListener("unread", ({ detail: unread }) => {
  const badge = document.getElementById("news-count");
  badge.hidden = unread === 0;
  badge.firstChild.data = unread > 99 ? "99+" : String(unread);
});

// Whoever is named, answered or invited has something to read in a room, or another room to enter.
inbox.addEventListener("told", ({ detail }) => {
  announce(`News: ${detail.title}`);
  refresh();
});

function title(name = shown.title) {
  const unread = (store.get().rooms ?? []).filter((room) => room.isMember && room.slug !== store.get().open).reduce((sum, room) => sum + room.unread, 0);
  document.title = `${unread ? `(${unread}) ` : ""}${name ? `${name} · ` : ""}Sarsen`;
}

/** The address after # as a list of its parts. */
const where = () => location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map((part) => decodeURIComponent(part));

/** What a provider has sent back for this purpose, once. */
function returnedTo(aim) {
  const back = returned?.aim === aim ? returned : null;
  if (back) returned = null;
  return back;
}

function houseOrEntrance() {
  if (isResuming) return houseView(h("p", { class: "card late", role: "status" }, RESUMING));
  // A session that goes on is not left for another one.
  const back = session.tokens.isSignedIn ? null : returnedTo("enter");
  const view = houseView(session.user ? insideCard(session.user) : enterCard(session, { ...entrance, returned: back }));
  entrance = {};
  return view;
}

function resumingView() {
  const heading = h("p", { class: "lead late", role: "status" }, RESUMING);
  return { element: h("div", { class: "page" }, heading), heading, title: "", stop: () => {} };
}

function letterView() {
  letter.card ??= letterCard(letter, { session, onward }); // once: its link is good for one use
  return { ...houseView(letter.card), heading: letter.card.querySelector("h2"), title: "Your mail" };
}

/** The link of a mail has been followed to its end. */
function onward({ news = "", face = "in", isSignedOut = false } = {}) {
  letter = null;
  // The server has ended the sessions of that account. This tab's may be somebody else's, but who just set a password
  // is the one to sign in with it.
  if (isSignedOut && session.user) {
    forgetUnsent();
    session.signOut();
  }
  if (session.user) {
    openFirst();
    return;
  }
  entrance = { news, face };
  show();
  if (news) announce(news);
  document.getElementById("email").focus();
}

function talkView(slug) {
  const { rooms } = store.get();
  const room = rooms?.find((one) => one.slug === slug);
  panel ??= roomsPanel({ store, refresh });
  if (room) {
    const view = roomView(room, { session, refresh, seen });
    return { ...view, element: h("div", { class: "chat in-room" }, panel.element, view.element), title: room.name };
  }
  const reason = rooms && slug ? whyParted(slug) : null;
  if (reason) announce(reason);
  const words = !rooms ? "Looking for rooms …" : slug ? reason ?? "There is no such room, or it is not open to you." : "Choose a room, or make one.";
  const heading = h("h2", { class: "lead" }, words);
  return {
    element: h("div", { class: slug ? "chat in-room" : "chat" }, panel.element, h("section", { class: "conversation empty" }, heading, slug && h("a", { href: "#/rooms" }, "All rooms"))),
    heading,
    title: "Rooms",
    stop: () => {},
  };
}

/** Is this the address of rooms? Invitations stand above their list. */
const isTalk = ([place]) => ["rooms", "invitations"].includes(place);

/** Is this an address for whoever is signed in? */
const isPlace = (parts) => isTalk(parts) || parts[0] in PLACES;

/** The view of an address for whoever is signed in. */
const PLACES = { news: () => newsView(inbox), account: () => accountView(session, { signOut, returned: returnedTo("link") }) };

function show({ focus = false } = {}) {
  const [place, slug] = where();
  const own = session.user && !letter && PLACES[place];
  const talks = isTalk(where()) && session.user && !letter;
  shown.stop();
  if (!talks && panel) {
    panel.stop();
    panel = null;
  }
  store.set({ open: talks ? slug ?? null : null });
  shown = letter ? letterView() : talks ? talkView(slug) : own ? own() : isResuming && isPlace(where()) ? resumingView() : houseOrEntrance();
  fill(main, shown.element);
  document.body.dataset.view = talks ? "talk" : own ? place : "house";
  title();
  drawHeader();
  if (shown.focus) shown.focus();
  else if (focus && shown.heading) focusOn(shown.heading);
  if (focus && shown.title) announce(shown.title);
}

function drawHeader() {
  const { user } = session;
  const { view } = document.body.dataset;
  for (const [id, place] of [["nav-house", "house"], ["nav-rooms", "talk"], ["nav-news", "news"]]) {
    const link = document.getElementById(id);
    link.hidden = place !== "house" && !user;
    link.toggleAttribute("aria-current", view === place);
  }
  for (const link of document.querySelectorAll(".top nav [aria-current]")) {
    link.setAttribute("aria-current", "page");
    const row = link.closest("nav");
    row.scrollLeft = link.offsetLeft - row.offsetLeft - (row.clientWidth - link.offsetWidth) / 2; // a phone has not space for all
  }
  fill(
    document.getElementById("account"),
    user && [
      h("a", { class: "me", href: "#/account", "aria-current": view === "account" ? "page" : null }, stone(user.id, user.name), h("span", { class: "who" }, h("span", { class: "hidden" }, "Signed in as "), user.name, h("span", { class: "hidden" }, ", your account"))),
      h("button", { type: "button", class: "quiet", on: { click: signOut } }, "Sign out"),
    ],
  );
}

async function signOut() {
  forgetUnsent();
  await session.signOut();
  announce("You are signed out.");
}

/** The first room one is in, where there is space for the list and the room side by side. */
function openFirst() {
  const first = store.get().rooms?.find((room) => room.isMember);
  location.hash = first && matchMedia("(min-width: 48rem)").matches ? `#/rooms/${encodeURIComponent(first.slug)}` : "#/rooms";
}

session.addEventListener("change", async ({ detail }) => {
  entrance = { reason: detail.reason };
  inbox.follow();
  // Where a reload was stays; who has just come in is led to a room.
  const stays = isPlace(where()) || (isResuming && location.hash === "#/");
  isResuming = false;
  if (session.user) {
    await refresh();
    if (!letter && stays) show();
    else if (!letter) openFirst();
    drawHeader();
  } else {
    store.set({ rooms: null });
    read.clear();
    if (letter) drawHeader();
    else if (where().length) location.hash = "#/";
    else show();
  }
});

session.addEventListener("renamed", drawHeader);

async function resume() {
  try {
    await session.resume();
  } catch (error) {
    if (!isFailure(error)) throw error;
    setTimeout(resume, AGAIN);
  }
}

const switchTheme = theme((isDark) => {
  const button = document.getElementById("theme");
  fill(button, icon(isDark ? "sun" : "moon"));
  button.setAttribute("aria-label", isDark ? "Switch to light colours" : "Switch to dark colours");
});
document.getElementById("theme").addEventListener("click", switchTheme);
addEventListener("hashchange", () => {
  if (location.hash === "#main") return; // the way past the header; what is shown stays
  letter = takeLink();
  show({ focus: true });
});
setInterval(() => document.visibilityState === "visible" && refresh(), ROOMS_EVERY);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && refresh());

show({ focus: letter !== null });
await resume();
