/**
 * One open room: its socket, the REST calls beside it, and the timeline that they fill. Sending, catching up, presence,
 * typing, read markers; no elements.
 *
 * How no message is lost or duplicated: a message gets a `client_id` before it is sent, and the socket sends it again
 * with the same one until the server acknowledges it, however often the connection breaks. The server stores it once.
 * The socket requests the messages, edits and deletions that came after the last ones that it has seen. What else is
 * missing, such as messages before the acknowledgement of an own one, is loaded by REST.
 */

import { api, client, data, isFailure, messageFor, NetworkError } from "../../console/api.js";
import { session } from "../../console/registry.js";
import { timeOf, uuid } from "../../console/text.js";
import { draftOf, messageOf } from "./message.js";
import { outbox } from "./outbox.js";
import { Presence } from "./presence.js";
import { Standing, Timeline } from "./timeline.js";

const PAGE = 50;
const SETTLING = 600; // frames may arrive out of order for this long before a gap is filled
const LONGEST_WAIT = 4_000; // between attempts to connect
const MAX_PAGES = 40; // that are loaded to reach an old message
const LATE = 10_000; // after this long without an acknowledgement an own message can be discarded
const TOO_MANY_SOCKETS = 4409;

/**
 * Events: `messages` (detail: {changed, added, first}), `presence` (who is online or typing), `connection` (detail:
 * {state, code}; the state "blocked" is one of its own: the account has too many connections), `reads` (of others),
 * `seen` (detail: how far the user has read), `ended` (detail: the close code), `refused` (detail: a text).
 */
export class Conversation extends EventTarget {
  timeline = new Timeline();
  reads = new Map(); // user id → seq
  hasOlder = false;
  #readUpTo = 0;
  #filling = null;
  #isBlocked = false;
  #timers = new Set();

  constructor(room) {
    super();
    this.me = session.user;
    this.path = { slug: room.slug };
    this.presence = new Presence(this.me, () => this.#tell("presence"));
    this.#readUpTo = room.read_seq ?? 0;
    this.outbox = outbox(this.me.id, room.slug);
    const kept = this.outbox.kept();
    for (const message of kept) this.#write(message);
    this.socket = new client.ChatSocket({ room: room.slug, session: session.tokens, unsent: kept.map(draftOf), longestWait: LONGEST_WAIT });
    const handlers = {
      welcome: (frame) => this.#welcome(frame),
      message: (frame) => this.#arrived(this.#messageOf(frame)),
      edited: (frame) => this.#edited(frame),
      deleted: ({ seq, change }) => this.#deleted(seq, change),
      ack: (frame) => this.#acknowledged(frame),
      presence: (frame) => this.presence.set(frame),
      typing: (frame) => this.presence.typed(frame),
      read: (frame) => this.#readBy(frame),
      error: (frame) => this.#refused(frame),
      state: (change) => this.#connection(change),
    };
    for (const [name, handler] of Object.entries(handlers)) this.socket.on(name, handler);
  }

  start() {
    this.socket.open();
    document.addEventListener("visibilitychange", this.#visible);
  }

  stop() {
    document.removeEventListener("visibilitychange", this.#visible);
    this.socket.close();
    this.presence.clear();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Connect now instead of after the wait. A conversation that has ended stays so. */
  reconnect() {
    if (this.#isBlocked) this.socket.open();
    else this.socket.retry();
  }

  /** Send a message: shown at once, sent when there is a connection. */
  send({ text, mentions = [], replyTo = null, attachments = [] }) {
    const message = { text, mentions, replyTo, attachments, clientId: uuid(), from: this.me.id, fromName: this.me.name, at: new Date().toISOString() };
    this.#write(message);
    this.#keep();
    this.#put(message);
    this.#show([message], true);
  }

  /** Send a refused message again. */
  retry(clientId) {
    const message = this.timeline.mark(clientId, { standing: Standing.WAITING, error: undefined, isLate: false });
    if (message) this.#put(message);
    this.#expectAcknowledgement(clientId);
    this.#keep();
    this.#show([message]);
  }

  /** Give up a message that was refused or is not acknowledged. */
  discard(clientId) {
    this.timeline.discard(clientId);
    this.socket.discard(clientId);
    this.#keep();
    this.#show([]);
  }

  async edit(message, text) {
    this.#edited(await data(api.chatMessagesEdit({ path: { ...this.path, message_id: message.id }, body: { message: text } })));
  }

  async remove(message) {
    await api.chatMessagesDelete({ path: { ...this.path, message_id: message.id } });
    this.#deleted(message.seq);
  }

  /** The user is typing. The socket limits how often it sends this. */
  tellTyping() {
    this.socket.typing();
  }

  /** The user has seen everything up to the last message. */
  read() {
    const { head } = this.timeline;
    if (!head || head <= this.#readUpTo || this.socket.state !== "open") return;
    this.socket.read(head);
    this.#readUpTo = head;
    this.#tell("seen", head);
  }

  /** Load the page of messages before the oldest one here. */
  async older() {
    const results = await this.#page({ before: this.timeline.oldest });
    this.hasOlder = results.length === PAGE && results.every((raw) => raw.seq > 1);
    this.timeline.prepend(results.map(this.#messageOf));
    this.#show([]);
  }

  /** Load messages until number `seq` is here. Resolves to whether it is. */
  async reach(seq) {
    for (let pages = 0; this.hasOlder && this.timeline.oldest > seq && pages < MAX_PAGES; pages += 1) await this.older();
    return this.timeline.get(seq) !== undefined;
  }

  #messageOf = (raw) => messageOf(raw, this.me.id);

  #visible = () => document.visibilityState === "visible" && this.reconnect();

  async #page(query) {
    return (await data(api.chatMessagesList({ path: this.path, query: { limit: PAGE, ...query } }))).results;
  }

  async #welcome(frame) {
    this.presence.begin(frame.online);
    if (this.timeline.head !== null) {
      this.#fillSoon(frame.seq);
      return;
    }
    this.timeline.begin(frame.seq);
    try {
      const results = await this.#page({ before: frame.seq + 1 });
      this.hasOlder = results.length === PAGE && results.every((raw) => raw.seq > 1);
      this.timeline.prepend(results.map(this.#messageOf));
      this.#show([], false, true);
      this.#fillSoon(frame.seq);
    } catch (error) {
      this.#fail(error);
      if (error instanceof NetworkError) this.timeline.head = null;
    }
  }

  #arrived(message) {
    this.presence.stoppedTyping(message.from);
    this.#show(this.timeline.accept(message), true);
    this.#keep();
    if (this.timeline.hasGap) this.#fillSoon();
  }

  #edited({ seq, change, message: text, edited_at: editedAt, mentions }) {
    this.#show(this.timeline.change(seq, { change, text, editedAt, mentions: mentions ?? [] }));
  }

  #deleted(seq, change) {
    this.#show(this.timeline.change(seq, { change, text: "", deleted: true, attachments: [] }));
  }

  #acknowledged(frame) {
    this.#show(this.timeline.acknowledge(frame.client_id, frame), true);
    this.#keep();
    if (this.timeline.hasGap) this.#fillSoon();
  }

  /** If a number is still missing in a moment, load what comes after `head`. */
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
        const messages = results.map(this.#messageOf).sort((one, other) => one.seq - other.seq);
        this.#show(messages.flatMap((message) => this.timeline.accept(message)), true);
        if (results.length < PAGE) return;
      }
    } catch (error) {
      // Without a connection the next welcome tries again.
      if (!(error instanceof NetworkError)) this.#fail(error);
    }
  }

  #write(message) {
    this.timeline.write(message);
    this.#expectAcknowledgement(message.clientId);
  }

  #put(message) {
    const { message: text, ...more } = draftOf(message);
    // The frames `ack` and `error` tell the outcome, also for messages that were sent before a reload.
    this.socket.send(text, more).catch(() => {});
  }

  #expectAcknowledgement(clientId) {
    this.#after(LATE, () => this.#late([clientId]));
  }

  /** These messages should be acknowledged by now: let the user discard them. */
  #late(clientIds) {
    const changed = clientIds.map((clientId) => this.timeline.mark(clientId, { isLate: true })).filter(Boolean);
    if (changed.length) this.#show(changed);
  }

  #readBy({ user, seq }) {
    this.reads.set(user, Math.max(seq, this.reads.get(user) ?? 0));
    if (user === this.me.id) this.#readUpTo = Math.max(seq, this.#readUpTo);
    this.#tell("reads");
  }

  #refused({ client_id: clientId, code, detail, until }) {
    const words = code === "muted" && until ? `You are muted here until ${timeOf(until)}.` : detail;
    if (!clientId) {
      // It may be about any message that is not acknowledged.
      this.#late(this.timeline.unsent.map((message) => message.clientId));
      this.#tell("refused", words);
      return;
    }
    // Nothing is wrong with the message: the database is unavailable for a moment, and the socket sends it again.
    if (code === "unavailable") return;
    const message = this.timeline.mark(clientId, { standing: Standing.REFUSED, error: words });
    this.#keep();
    if (message) this.#show([message]);
  }

  #connection({ state, code }) {
    if (state !== "open") this.presence.clear();
    // Another attempt would be refused as well until another connection is closed: wait for the user.
    this.#isBlocked = state === "stopped" && code === TOO_MANY_SOCKETS;
    this.#tell("connection", { state: this.#isBlocked ? "blocked" : state, code });
    // 4401 and 4408 end the session, and with it this page.
    if (state === "stopped" && !this.#isBlocked && ![1000, 4401, 4408].includes(code)) this.#tell("ended", code);
  }

  #fail(error) {
    if (!isFailure(error)) throw error;
    this.#tell("refused", messageFor(error));
  }

  #keep() {
    this.outbox.keep(this.timeline.unsent);
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
