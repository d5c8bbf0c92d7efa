/**
 * One open room: the socket, the REST calls beside it and the timeline they fill. What lives here: sending, catching up,
 * presence, typing, read markers. What does not: elements.
 *
 * How nothing is lost or doubled: a message gets a `client_id` before it is sent, and the socket sends it again under it
 * until the server acknowledges it, however often the line breaks; the server takes it once. The socket asks for what
 * came after the last number it has seen; what is missing besides (behind an own message's receipt) is fetched by REST.
 */

import { api, ChatSocket, data, isFailure, NetworkError, wordsOf } from "./api.js";
import { draftOf, messageOf } from "./message.js";
import { timeOf, uuid } from "./text.js";
import { Standing, Timeline } from "./timeline.js";
import { drawer } from "./unsent.js";

const PAGE = 50;
const TYPING_LASTS = 5_000;
const SETTLING = 600; // frames may overtake each other this long before a gap is fetched
const LONGEST_WAIT = 4_000; // between attempts to get a line: somebody looks on
const FURTHEST = 40; // pages that are read to reach an old message

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
  #readUpTo = 0;
  #filling = null;
  #timers = new Set();

  constructor({ room, session }) {
    super();
    this.me = session.user;
    this.path = { slug: room.slug };
    this.#readUpTo = room.read_seq ?? 0;
    this.unsent = drawer(this.me.id, room.slug);
    const kept = this.unsent.kept();
    for (const message of kept) this.timeline.write(message);
    this.socket = new ChatSocket({ room: room.slug, session: session.tokens, unsent: kept.map(draftOf), longestWait: LONGEST_WAIT });
    const take = {
      welcome: (frame) => this.#welcome(frame),
      message: (frame) => this.#arrived(messageOf(frame)),
      edited: (frame) => this.#show(this.timeline.correct(frame.seq, { text: frame.message, editedAt: frame.edited_at, mentions: frame.mentions ?? [] })),
      deleted: ({ seq }) => this.#show(this.timeline.correct(seq, { text: "", deleted: true, attachments: [] })),
      ack: (frame) => this.#acknowledged(frame),
      presence: (frame) => this.#presence(frame),
      typing: (frame) => this.#isTyping(frame),
      read: (frame) => this.#hasRead(frame),
      error: (frame) => this.#refusal(frame),
      state: (change) => this.#line(change),
    };
    for (const [name, listener] of Object.entries(take)) this.socket.on(name, listener);
  }

  start() {
    this.socket.open();
    document.addEventListener("visibilitychange", this.#looked);
  }

  stop() {
    document.removeEventListener("visibilitychange", this.#looked);
    this.socket.close();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Write a message: on the screen now, on its way as soon as there is a line. */
  send({ text, mentions = [], replyTo = null, attachments = [] }) {
    const message = { text, mentions, replyTo, attachments, clientId: uuid(), from: this.me.id, fromName: this.me.name, at: new Date().toISOString() };
    this.timeline.write(message);
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
    const raw = await data(api.chatMessagesEdit({ path: { ...this.path, message_id: message.id }, body: { message: text } }));
    this.#show(this.timeline.correct(message.seq, { text: raw.message, editedAt: raw.edited_at, mentions: raw.mentions ?? [] }));
  }

  async remove(message) {
    await api.chatMessagesDelete({ path: { ...this.path, message_id: message.id } });
    this.#show(this.timeline.correct(message.seq, { text: "", deleted: true, attachments: [] }));
  }

  /** Say that someone writes here; the socket sees to it that it is not said more often than needed. */
  writing() {
    this.socket.typing();
  }

  /** Everything up to the last message has been seen. */
  read() {
    const { head } = this.timeline;
    if (!head || head <= this.#readUpTo || this.socket.state !== "open") return;
    this.socket.read(head);
    this.#readUpTo = head;
    this.#tell("seen", head);
  }

  /** Fetch the page of messages before the oldest one here. */
  async older() {
    const results = await this.#page({ before: this.timeline.oldest });
    this.hasOlder = results.length === PAGE && results.every((raw) => raw.seq > 1);
    this.timeline.prepend(results.map(messageOf));
    this.#show([]);
  }

  /** Have a message on the screen, fetching what lies between. Resolves to whether it is there. */
  async reach(seq) {
    for (let pages = 0; this.hasOlder && this.timeline.oldest > seq && pages < FURTHEST; pages += 1) await this.older();
    return this.timeline.get(seq) !== undefined;
  }

  #looked = () => document.visibilityState === "visible" && this.socket.retry();

  async #page(query) {
    return (await data(api.chatMessagesList({ path: this.path, query: { limit: PAGE, ...query } }))).results;
  }

  async #welcome(frame) {
    this.online = new Map(frame.online.map((person) => [person.user, person.name]));
    this.#tell("people");
    const isFirst = this.timeline.head === null;
    if (isFirst) this.timeline.begin(frame.seq);
    try {
      // The newest page is read anew after a break too: what was edited or deleted meanwhile is not replayed.
      const results = await this.#page({ before: frame.seq + 1 });
      if (isFirst) {
        this.hasOlder = results.length === PAGE && results.every((raw) => raw.seq > 1);
        this.timeline.prepend(results.map(messageOf));
        this.#show([], false, true);
      } else {
        this.#show(results.toSorted((one, other) => one.seq - other.seq).flatMap((raw) => this.timeline.accept(messageOf(raw))));
      }
      this.#fillSoon(frame.seq);
    } catch (error) {
      this.#say(error);
      if (isFirst && error instanceof NetworkError) this.timeline.head = null;
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
        const results = await this.#page({ after: this.timeline.head });
        if (!results.length) return;
        const messages = results.map(messageOf).sort((one, other) => one.seq - other.seq);
        this.#show(messages.flatMap((message) => this.timeline.accept(message)), true);
        if (results.length < PAGE) return;
      }
    } catch (error) {
      // Without a line the next welcome comes back to this.
      if (!(error instanceof NetworkError)) this.#say(error);
    }
  }

  #put(message) {
    const { message: text, ...more } = draftOf(message);
    // What becomes of it is told by `ack` and `error`, also for messages that an earlier page has begun to send.
    this.socket.say(text, more).catch(() => {});
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

  #refusal({ client_id: clientId, code, detail, until }) {
    const words = code === "muted" && until ? `You are muted here until ${timeOf(until)}.` : detail;
    if (!clientId) return this.#tell("refused", words);
    // Nothing is wrong with the message: the database is away for a moment, and the socket sends it again.
    if (code === "unavailable") return undefined;
    const message = this.timeline.mark(clientId, { standing: Standing.REFUSED, error: words });
    this.#keep();
    if (message) this.#show([message]);
    return undefined;
  }

  #line({ state, code }) {
    if (state !== "open") {
      this.online.clear();
      for (const user of [...this.typing.keys()]) this.#noLongerTyping(user);
    }
    this.#tell("line", { state, code });
    this.#tell("people");
    // 4401 and 4408 end the session, and with it this page's room.
    if (state === "stopped" && code !== 1000 && code !== 4401 && code !== 4408) this.#tell("ended", code);
  }

  #say(error) {
    if (!isFailure(error)) throw error;
    this.#tell("refused", wordsOf(error));
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
