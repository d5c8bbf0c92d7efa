/**
 * What one is told, as it comes. What lives here: the socket of notifications, how many are unread, and asking for that
 * now and then while there is no socket. What does not: how news looks.
 */

import { api, data, isFailure, NotificationsSocket } from "./api.js";

const EVERY = 20_000; // between questions while the socket is away

/** Emits `unread` (detail: how many) and `told` (detail: a notification), for as long as `session` has a user. */
export class Inbox extends EventTarget {
  #session;
  #socket = null;
  #timer = 0;

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
    if (!this.#session.user) {
      this.#tell("unread", 0);
      return;
    }
    const socket = new NotificationsSocket({ session: this.#session.tokens });
    const count = ({ unread }) => this.#tell("unread", unread);
    socket.on("welcome", count);
    socket.on("unread", count);
    socket.on("notification", (frame) => this.#tell("told", frame));
    this.#socket = socket.open();
    this.#timer = setInterval(() => document.visibilityState === "visible" && this.look(), EVERY);
  }

  /** Ask how many are unread, unless the socket tells by itself. */
  async look() {
    const socket = this.#socket;
    if (!socket || socket.state === "open") return;
    try {
      const { unread } = await data(api.notificationsSummary());
      if (socket === this.#socket) this.#tell("unread", unread);
    } catch (error) {
      if (!isFailure(error)) throw error; // the next round asks again
    }
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
