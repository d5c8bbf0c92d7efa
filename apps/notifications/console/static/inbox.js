/**
 * Notifications as they arrive: the socket, the number of unread ones, and polling while there is no socket. What the
 * user has seen elsewhere on the console is marked as read.
 */

import { api, client, data, isFailure } from "../../console/api.js";
import { emit, session } from "../../console/registry.js";

const INTERVAL = 20_000; // of polling while the socket is not open
const PAGE = 100;

/** Emits `unread` (detail: the number); sends the signals `notified`, `revised`, `retracted` and `pushed`. */
export class Inbox extends EventTarget {
  #socket = null;
  #timer = 0;
  #unread = []; // the unread notifications that are known here
  #seen = new Map(); // key → covers(data), of the signal `seen`

  constructor() {
    super();
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "visible") return;
      this.#socket?.open(); // stopped when there were too many; another one may be closed by now
      this.#socket?.retry();
      this.poll();
    });
  }

  /** Listen for the user who is signed in. */
  follow() {
    this.stop();
    const socket = new client.NotificationsSocket({ session: session.tokens });
    socket.on("welcome", ({ unread }) => {
      this.#setUnread(unread);
      if (unread > 0) this.#guarded(() => this.#load());
    });
    socket.on("unread", ({ unread }) => this.#setUnread(unread));
    socket.on("changed", (frame) => emit("revised", frame));
    socket.on("event", ({ name, data: pushed }) => emit("pushed", { name, data: pushed }));
    socket.on("removed", ({ ids }) => {
      this.#unread = this.#unread.filter(({ id }) => !ids.includes(id));
      emit("retracted", ids);
    });
    socket.on("notification", (frame) => {
      this.#unread.push(frame);
      if (!this.#readSeen()) emit("notified", frame);
    });
    this.#socket = socket.open();
    this.#timer = setInterval(() => document.visibilityState === "visible" && this.poll(), INTERVAL);
  }

  /** Stop listening and forget everything. */
  stop() {
    this.#socket?.close();
    clearInterval(this.#timer);
    this.#socket = null;
    this.#unread = [];
    this.#seen.clear();
    this.#setUnread(0);
  }

  /** Request the number of unread notifications, unless the socket is open and sends it. */
  async poll() {
    const socket = this.#socket;
    if (!socket || socket.state === "open") return;
    await this.#guarded(async () => {
      const { unread } = await data(api.notificationsSummary());
      if (socket === this.#socket) this.#setUnread(unread);
      if (unread > 0) await this.#load();
    });
  }

  /** Mark notifications as read whose data `covers` accepts, now and when they arrive later. */
  markSeen({ key, covers }) {
    this.#seen.set(key, covers);
    this.#readSeen();
  }

  /** Load unread notifications that arrived while this page was not open. */
  async #load() {
    const { results } = await data(api.notificationsList({ query: { unread: true, limit: PAGE } }));
    const known = new Set(this.#unread.map(({ id }) => id));
    this.#unread.push(...results.filter(({ id }) => !known.has(id)));
    this.#readSeen();
  }

  /** Mark as read what the user has seen. Returns whether there was any. */
  #readSeen() {
    const checks = [...this.#seen.values()];
    const isSeen = (one) => checks.some((covers) => covers(one.data));
    const seen = this.#unread.filter(isSeen);
    this.#unread = this.#unread.filter((one) => !isSeen(one));
    for (const { id } of seen) this.#guarded(() => api.notificationsRead({ path: { notification_id: id } }));
    return seen.length > 0;
  }

  async #guarded(work) {
    try {
      await work();
    } catch (error) {
      if (!isFailure(error)) throw error; // the next poll tries again
    }
  }

  #setUnread(unread) {
    this.dispatchEvent(new CustomEvent("unread", { detail: unread }));
  }
}
