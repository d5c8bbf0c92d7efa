/**
 * One open room: the socket, the REST calls beside it and the timeline they fill. What lives here: sending, catching up,
 * presence, typing, read markers. What does not: elements.
 *
 * How nothing is lost or doubled: a message gets a `client_id` before it is sent and is sent again under it until the
 * server acknowledges it, however often the line breaks; the server takes it once. The socket asks for what came after
 * the last number it has seen, and a number that is skipped is fetched by REST.
 */

import { Problem } from "./api.js";
import { ReconnectingSocket } from "./socket.js";
import { Standing, Timeline } from "./timeline.js";
import { uuid } from "./text.js";
import { drawer } from "./unsent.js";

const PAGE = 50;
const TYPING_LASTS = 5_000;
const TYPING_EVERY = 2_500;
const SETTLING = 600; // frames may overtake each other this long before a gap is fetched
const AWAY = 3_000; // before a message that could not be stored is tried again
const PACE = 60; // milliseconds between messages that are sent again, so that a long queue is not a flood

/** A message of the REST API or of a frame, in the console's own words. */
export function messageOf(raw) {
  return {
    id: raw.id,
    seq: raw.seq,
    text: raw.message,
    from: raw.from,
    fromName: raw.from_name,
    at: raw.at,
    clientId: raw.client_id,
    editedAt: raw.edited_at ?? null,
    deleted: raw.deleted ?? false,
  };
}

/**
 * Events: `messages` (detail: {changed, added}), `people` (presence or typing changed), `line` (the socket's state),
 * `reads` (others'), `seen` (detail: how far I have read), `ended` (detail: the close code), `refused` (detail: a sentence).
 */
export class Conversation extends EventTarget {
  timeline = new Timeline();
  online = new Map(); // user id → name
  typing = new Map(); // user id → {name, timer}
  reads = new Map(); // user id → seq
  hasOlder = false;
  #typed = 0;
  #readUpTo = 0;
  #filling = null;
  #timers = new Set();

  constructor({ room, session, call }) {
    super();
    Object.assign(this, { room, session, call, me: session.user });
    this.path = `/api/private/v1/chat/rooms/${encodeURIComponent(room.slug)}/`;
    this.unsent = drawer(this.me.id, room.slug);
    this.#readUpTo = room.read_seq ?? 0;
    this.socket = new ReconnectingSocket({
      path: () => `/ws/chat/${encodeURIComponent(room.slug)}/${this.timeline.head === null ? "" : `?after=${this.timeline.head}`}`,
      token: (options) => session.token(options),
    });
    this.socket.addEventListener("frame", ({ detail }) => this.#take(detail));
    this.socket.addEventListener("state", ({ detail }) => this.#line(detail));
  }

  start() {
    for (const kept of this.unsent.kept()) this.timeline.write(kept);
    this.socket.start();
  }

  stop() {
    this.socket.stop();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Write a message: on the screen now, on its way as soon as there is a line. */
  send(text) {
    const message = { text, clientId: uuid(), from: this.me.id, fromName: this.me.name, at: new Date().toISOString() };
    this.timeline.write(message);
    this.#typed = 0;
    this.#keep();
    this.#put(message);
    this.#show([message], true);
  }

  /** Try a refused message once more. */
  again(clientId) {
    const message = this.timeline.mark(clientId, { standing: Standing.WAITING, error: undefined });
    if (message) this.#put(message);
    this.#show([message]);
  }

  /** Give a refused message up. */
  discard(clientId) {
    this.timeline.discard(clientId);
    this.#keep();
    this.#show([]);
  }

  async edit(message, text) {
    const raw = await this.call("PATCH", `${this.path}messages/${message.id}/`, { body: { message: text } });
    this.#show(this.timeline.correct(message.seq, { text: raw.message, editedAt: raw.edited_at }));
  }

  async remove(message) {
    await this.call("DELETE", `${this.path}messages/${message.id}/`);
    this.#show(this.timeline.correct(message.seq, { text: "", deleted: true }));
  }

  /** Say that someone writes here, not more often than needed. */
  writing() {
    if (Date.now() - this.#typed < TYPING_EVERY) return;
    if (this.socket.send({ type: "typing" })) this.#typed = Date.now();
  }

  /** Everything up to the last message has been seen. */
  read() {
    const { head } = this.timeline;
    if (!head || head <= this.#readUpTo || !this.socket.send({ type: "read", seq: head })) return;
    this.#readUpTo = head;
    this.#tell("seen", head);
  }

  /** Fetch the page of messages before the oldest one here. */
  async older() {
    const { results } = await this.#page({ before: this.timeline.oldest });
    this.hasOlder = results.length === PAGE && results.every((raw) => raw.seq > 1);
    this.timeline.prepend(results.map(messageOf));
    this.#show([]);
  }

  #page(query) {
    return this.call("GET", `${this.path}messages/`, { query: { limit: PAGE, ...query } });
  }

  #take(frame) {
    const take = {
      welcome: () => this.#welcome(frame),
      message: () => this.#arrived(messageOf(frame)),
      edited: () => this.#show(this.timeline.correct(frame.seq, { text: frame.message, editedAt: frame.edited_at })),
      deleted: () => this.#show(this.timeline.correct(frame.seq, { text: "", deleted: true })),
      ack: () => this.#acknowledged(frame),
      presence: () => this.#presence(frame),
      typing: () => this.#isTyping(frame),
      read: () => this.#hasRead(frame),
      error: () => this.#refusal(frame),
    }[frame.type];
    // A newer server may say more than this page understands.
    take?.();
  }

  async #welcome(frame) {
    this.online = new Map(frame.online.map((person) => [person.user ?? person.id, person.name]));
    this.#tell("people");
    const isFirst = this.timeline.head === null;
    if (isFirst) this.timeline.begin(frame.seq);
    this.#resend();
    try {
      // The newest page is read anew after a break too: what was edited or deleted meanwhile is not replayed.
      const { results } = await this.#page({ before: frame.seq + 1 });
      if (isFirst) {
        this.hasOlder = results.length === PAGE && results.every((raw) => raw.seq > 1);
        this.timeline.prepend(results.map(messageOf));
        this.#show([], false, true);
      } else {
        this.#show(results.toReversed().sort((one, other) => one.seq - other.seq).flatMap((raw) => this.timeline.accept(messageOf(raw))));
      }
      this.#fillSoon(frame.seq);
    } catch (problem) {
      this.#say(problem);
      if (isFirst && problem.status === 0) this.timeline.head = null;
    }
  }

  #arrived(message) {
    this.#noLongerTyping(message.from);
    this.#show(this.timeline.accept(message), true);
    this.#keep();
    if (this.timeline.hasGap) this.#fillSoon();
  }

  #acknowledged(frame) {
    this.#show(this.timeline.acknowledge(frame.client_id, frame), true);
    this.#keep();
    if (this.timeline.hasGap) this.#fillSoon();
  }

  /** If a number is still missing in a moment, fetch what lies after `head`. */
  #fillSoon(upTo = 0) {
    this.#after(SETTLING, () => {
      if (this.timeline.hasGap || this.timeline.head < upTo) this.#filling ??= this.#fill().finally(() => { this.#filling = null; });
    });
  }

  async #fill() {
    try {
      for (;;) {
        const { results } = await this.#page({ after: this.timeline.head });
        if (!results.length) return;
        const messages = results.map(messageOf).sort((one, other) => one.seq - other.seq);
        this.#show(messages.flatMap((message) => this.timeline.accept(message)), true);
        if (results.length < PAGE) return;
      }
    } catch (problem) {
      // Without a line the next welcome comes back to this.
      if (problem.status !== 0) this.#say(problem);
    }
  }

  #put(message) {
    this.socket.send({ type: "message", message: message.text, client_id: message.clientId });
  }

  /** Send again what has not been acknowledged: all of it, in order, or one message. */
  async #resend(only = null) {
    for (const message of this.timeline.unsent) {
      if (only && message.clientId !== only) continue;
      if (!this.timeline.isSettled(message.clientId)) this.#put(message);
      await new Promise((resume) => this.#after(PACE, resume));
    }
  }

  #presence({ user, name, online }) {
    if (online) this.online.set(user, name);
    else this.online.delete(user);
    this.#tell("people");
  }

  #isTyping({ user, name }) {
    if (user === this.me.id) return;
    this.#noLongerTyping(user);
    this.typing.set(user, { name, timer: this.#after(TYPING_LASTS, () => this.#noLongerTyping(user)) });
    this.#tell("people");
  }

  #noLongerTyping(user) {
    const found = this.typing.get(user);
    if (!found) return;
    clearTimeout(found.timer);
    this.typing.delete(user);
    this.#tell("people");
  }

  #hasRead({ user, seq }) {
    this.reads.set(user, Math.max(seq, this.reads.get(user) ?? 0));
    if (user === this.me.id) this.#readUpTo = Math.max(seq, this.#readUpTo);
    this.#tell("reads");
  }

  #refusal({ client_id: clientId, code, detail }) {
    if (!clientId) return this.#tell("refused", detail);
    // Nothing is wrong with the message: the database is away for a moment.
    if (code === "unavailable") return this.#after(AWAY, () => this.#resend(clientId));
    const message = this.timeline.mark(clientId, { standing: Standing.REFUSED, error: detail });
    if (message) this.#show([message]);
  }

  #line({ state, code }) {
    if (state !== "open") {
      this.online.clear();
      for (const user of [...this.typing.keys()]) this.#noLongerTyping(user);
    }
    this.#tell("line", { state, code });
    this.#tell("people");
    if (state !== "stopped" || code === 1000) return;
    if (code === 4408 || code === 4401) this.session.end("Your session has ended. Please sign in again.");
    else this.#tell("ended", code);
  }

  #say(problem) {
    if (!(problem instanceof Problem)) throw problem;
    this.#tell("refused", problem.words);
  }

  #keep() {
    this.unsent.keep(this.timeline.unsent);
  }

  #after(milliseconds, then) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      then();
    }, milliseconds);
    this.#timers.add(timer);
    return timer;
  }

  #show(changed, added = false, first = false) {
    this.#tell("messages", { changed, added, first });
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
