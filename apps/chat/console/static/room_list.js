/** The rooms that the user sees, kept up to date: which there are, and how much is unread in each. */

import { api, isFailure, paginate } from "../../console/api.js";
import { count, emit, session } from "../../console/registry.js";
import { createStore } from "./store.js";

const INTERVAL = 20_000;
const RETRY = 2_000; // until the list is loaded for the first time
const MAX_ROOMS = 500;

/** `rooms` is null until it is loaded; `open` is the slug of the room that is shown. */
export const store = createStore({ rooms: null, open: null });

const readHere = new Map(); // slug → how far the user has read according to this page; the list may be older
let loading = null;

/** A room as the views use it. */
function roomOf(raw) {
  const isMember = raw.role !== null;
  const unread = isMember ? Math.max(0, raw.seq - Math.max(raw.read_seq, readHere.get(raw.slug) ?? 0)) : 0;
  return { ...raw, isMember, unread };
}

/** Notifications about messages that were read in their room need no attention. */
function emitSeen(slug, read) {
  emit("seen", { key: `room ${slug}`, covers: ({ room, seq }) => room === slug && seq <= read });
}

/** The user has read a room up to this message. */
export function markRead(slug, seq) {
  readHere.set(slug, seq);
  emitSeen(slug, seq);
  store.set({ rooms: store.get().rooms?.map((room) => (room.slug === slug ? roomOf(room) : room)) ?? null });
}

async function load() {
  const rooms = [];
  try {
    for await (const raw of paginate((page) => api.chatRoomsList({ query: { limit: 100, ...page } }))) {
      if (rooms.push(roomOf(raw)) === MAX_ROOMS) break;
    }
  } catch (error) {
    if (!isFailure(error)) throw error;
    if (!store.get().rooms) setTimeout(refresh, RETRY);
    return; // an open room shows that the connection is lost, and the next interval tries again
  }
  if (!session.user) return;
  for (const { slug, isMember, read_seq: seq } of rooms) if (isMember) emitSeen(slug, Math.max(seq, readHere.get(slug) ?? 0));
  store.set({ rooms });
}

/** Load the list again. Calls while it is being loaded share the result. */
export async function refresh() {
  if (!session.user) return;
  loading ??= load().finally(() => {
    loading = null;
  });
  await loading;
}

/** Forget the rooms of the user who was signed in. */
export function forget() {
  readHere.clear();
  store.set({ rooms: null });
}

/** Keep the list up to date while the page is visible. */
export function keepFresh() {
  const refreshIfVisible = () => document.visibilityState === "visible" && refresh();
  setInterval(refreshIfVisible, INTERVAL);
  document.addEventListener("visibilitychange", refreshIfVisible);
}

// The title counts what is unread in the rooms that are not open.
const countUnread = () => {
  const { rooms, open } = store.get();
  count("rooms", { title: (rooms ?? []).filter(({ isMember, slug }) => isMember && slug !== open).reduce((sum, { unread }) => sum + unread, 0) });
};
store.watch("rooms", countUnread);
store.watch("open", countUnread);
