/** What the chat slice brings to the console: the page of rooms. */

import { announce, h } from "../../console/dom.js";
import { addPage, on } from "../../console/registry.js";
import { show } from "../../console/router.js";
import { forgetOutboxes } from "./outbox.js";
import { forget, keepFresh, refresh, store } from "./room_list.js";
import { roomView, takeReason } from "./views/room.js";
import { roomsPanel } from "./views/rooms.js";

let panel = null; // the list beside the room; it stays while rooms are switched
let shown = null; // the list's room that is shown, as `{slug, isMember}`

function messageWithout(slug, rooms) {
  if (!rooms) return "Loading the rooms …";
  if (!slug) return "Choose a room, or create one.";
  const reason = takeReason(slug);
  if (reason) announce(reason);
  return reason ?? "This room does not exist, or you are not a member of it.";
}

function open([slug = null]) {
  const { rooms } = store.get();
  const room = rooms?.find((one) => one.slug === slug);
  store.set({ open: slug });
  shown = { isLoaded: rooms !== null, slug, isMember: room?.isMember };
  panel ??= roomsPanel();
  const withPanel = (view) => h("div", { class: slug ? "chat in-room" : "chat" }, panel.element, view);
  if (room) {
    const view = roomView(room);
    return { ...view, element: withPanel(view.element), title: room.name };
  }
  const heading = h("h2", { class: "lead" }, messageWithout(slug, rooms));
  const empty = h("section", { class: "conversation empty" }, heading, slug && h("a", { href: "#/rooms" }, "All rooms"));
  return { element: withPanel(empty), heading, title: "Rooms" };
}

function close() {
  panel.stop();
  panel = shown = null;
  store.set({ open: null });
}

/** The first room of the user. Narrow windows have no space for the list and a room side by side: there the list is first. */
async function landing() {
  await refresh();
  const first = store.get().rooms?.find((room) => room.isMember);
  return first && matchMedia("(min-width: 48rem)").matches ? `#/rooms/${encodeURIComponent(first.slug)}` : "#/rooms";
}

// What is shown changes with the list: when it is loaded, and when the user becomes or stops being a member.
store.watch("rooms", (rooms) => {
  if (!shown || !rooms) return;
  const isMember = rooms.find((room) => room.slug === shown.slug)?.isMember;
  if (!shown.isLoaded || isMember !== shown.isMember) show();
});

addPage("rooms", { link: { label: "Rooms", order: 10 }, open, close, landing, fillsWindow: true });
addPage("invitations", { open: () => open([]), close, fillsWindow: true }); // they stand above the list of rooms

on("start", keepFresh);
on("signed-in", refresh);
on("notified", refresh); // it may be about a message or an invitation
on("signing-out", forgetOutboxes);
on("signed-out", forget);
