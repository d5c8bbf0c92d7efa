/**
 * What one is told, as it comes. What lives here: the socket of notifications, how many are unread, asking for that now
 * and then while there is no socket, and that news of a message is read with the message. What does not: how news looks.
 */

import { api, data, isFailure, NotificationsSocket } from "./api.js";

const EVERY = 20_000; // between questions while the socket is away
const PAGE = 100;

/**
 * Emits `unread` (detail: how many) and `told` (detail: a notification that was not seen in its room before it came), for
 * as long as `session` has a user.
 */
export class Inbox extends EventTarget {
  #session;
  #socket = null;
  #timer = 0;
  #open = []; // notifications that are not read, as far as they are known here
  #seen = new Map(); // slug of a room → how far one has read there

  constructor(session) {
    super();
    this.#session = session;
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "visible") return;
      this.#socket?.retry();
      this.look();
    });
  }

  /** Listen for whoever is signed in now; nobody is nothing to listen for. */
  follow() {
    this.#socket?.close();
    clearInterval(this.#timer);
    this.#socket = null;
    this.#open = [];
    this.#seen.clear();
    if (!this.#session.user) {
      this.#tell("unread", 0);
      return;
    }
    const socket = new NotificationsSocket({ session: this.#session.tokens });
    const count = ({ unread }) => this.#tell("unread", unread);
    socket.on("welcome", count);
    socket.on("welcome", ({ unread }) => unread > 0 && this.#guarded(() => this.#recall()));
    socket.on("unread", count);
    socket.on("notification", (frame) => {
      this.#open.push(frame);
      if (!this.#settle()) this.#tell("told", frame);
    });
    this.#socket = socket.open();
    this.#timer = setInterval(() => document.visibilityState === "visible" && this.look(), EVERY);
  }

  /** Ask how many are unread, unless the socket tells by itself. */
  async look() {
    const socket = this.#socket;
    if (!socket || socket.state === "open") return;
    await this.#guarded(async () => {
      const { unread } = await data(api.notificationsSummary());
      if (socket === this.#socket) this.#tell("unread", unread);
      if (unread > 0) await this.#recall();
    });
  }

  /** One has read this far in a room: what was told of its messages counts as read. */
  seen(slug, seq) {
    this.#seen.set(slug, Math.max(seq, this.#seen.get(slug) ?? 0));
    this.#settle();
  }

  /** What was told while this page was not there. */
  async #recall() {
    const { results } = await data(api.notificationsList({ query: { unread: true, limit: PAGE } }));
    const known = new Set(this.#open.map(({ id }) => id));
    this.#open.push(...results.filter(({ id }) => !known.has(id)));
    this.#settle();
  }

  /** Mark what has been seen in its room; whether there was any. */
  #settle() {
    const isSeen = ({ data: { room, seq } }) => seq <= this.#seen.get(room);
    const seen = this.#open.filter(isSeen);
    this.#open = this.#open.filter((one) => !isSeen(one));
    for (const { id } of seen) this.#guarded(() => api.notificationsRead({ path: { notification_id: id } }));
    return seen.length > 0;
  }

  async #guarded(act) {
    try {
      await act();
    } catch (error) {
      if (!isFailure(error)) throw error; // the next round asks again
    }
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
