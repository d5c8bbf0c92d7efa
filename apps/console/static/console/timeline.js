/**
 * The messages of one room in their order. What lives here: numbering, gaps, doubles, one's own messages on their way.
 * What does not: the network and the screen, so that all of it can be tried with plain calls.
 *
 * The server numbers the messages of a room 1, 2, 3, … without gaps. `head` is the last number up to which nothing is
 * missing. A message further ahead is held back until the ones before it are here; one that is known already is
 * a correction (edited, deleted) and never a second message.
 */

/** Where one's own message stands. */
export const Standing = Object.freeze({ WAITING: "waiting", SENT: "sent", REFUSED: "refused" });

export class Timeline {
  head = null; // nothing is known yet
  #known = new Map(); // seq → message, all from `oldest` to `head`
  #ahead = new Map(); // seq → message beyond a gap
  #own = new Map(); // client_id → a message of mine that has no number yet, in order of writing
  #settled = new Set(); // client_ids that have a number

  /** Begin after message number `seq`: older ones come by `prepend`. */
  begin(seq) {
    this.head = seq;
  }

  get oldest() {
    return this.#known.size ? Math.min(...this.#known.keys()) : this.head + 1;
  }

  get(seq) {
    return this.#known.get(seq);
  }

  /** Numbered messages in order, then those that are on their way. */
  get items() {
    return [...[...this.#known.values()].sort((one, other) => one.seq - other.seq), ...this.#own.values()];
  }

  /** Take a message from the server. Returns what changed on the screen, in order; nothing for a double. */
  accept(message) {
    if (message.clientId) this.#settle(message.clientId);
    if (message.seq <= this.head) {
      const known = this.#known.get(message.seq);
      if (!known || same(known, message)) return [];
      this.#known.set(message.seq, merged(known, message));
      return [this.#known.get(message.seq)];
    }
    this.#ahead.set(message.seq, message);
    const shown = [];
    while (this.#ahead.has(this.head + 1)) {
      this.head += 1;
      shown.push(this.#ahead.get(this.head));
      this.#known.set(this.head, this.#ahead.get(this.head));
      this.#ahead.delete(this.head);
    }
    return shown;
  }

  /** A message says something else now, or was taken back. Returns what changed; nothing when it is not here. */
  correct(seq, changes) {
    for (const place of [this.#known, this.#ahead]) {
      if (!place.has(seq)) continue;
      place.set(seq, { ...place.get(seq), ...changes });
      return place === this.#known ? [place.get(seq)] : [];
    }
    return [];
  }

  /** Put older messages in front; those already here are refreshed. */
  prepend(messages) {
    for (const message of messages) {
      if (message.clientId) this.#settle(message.clientId);
      if (message.seq <= this.head) this.#known.set(message.seq, merged(this.#known.get(message.seq), message));
    }
  }

  /** Is something missing between `head` and what arrived later? */
  get hasGap() {
    return this.#ahead.size > 0;
  }

  /** One's own message, not yet acknowledged. */
  write(message) {
    this.#own.set(message.clientId, { ...message, standing: Standing.WAITING });
    return this.#own.get(message.clientId);
  }

  /** Change where a message on its way stands. Returns it, or undefined when it has arrived meanwhile. */
  mark(clientId, changes) {
    if (this.#own.has(clientId)) this.#own.set(clientId, { ...this.#own.get(clientId), ...changes });
    return this.#own.get(clientId);
  }

  /** The server has stored it under this number. Returns what changed, as `accept` does. */
  acknowledge(clientId, { id, seq, at }) {
    const mine = this.#own.get(clientId);
    if (!mine) return [];
    return this.accept({ ...mine, standing: undefined, error: undefined, id, seq, at });
  }

  /** Give up a message that the server refused. */
  discard(clientId) {
    this.#own.delete(clientId);
  }

  /** What has to be sent again after the line was cut, in order of writing. */
  get unsent() {
    return [...this.#own.values()].filter((message) => message.standing !== Standing.REFUSED);
  }

  #settle(clientId) {
    this.#own.delete(clientId);
    this.#settled.add(clientId);
  }

  /** Has this message of mine arrived? */
  isSettled(clientId) {
    return this.#settled.has(clientId);
  }
}

const same = (one, other) => one.text === other.text && one.deleted === other.deleted;

/** A correction says everything about a message but who wrote it first under which client_id. */
const merged = (known, message) => (known ? { ...known, ...message, clientId: known.clientId ?? message.clientId } : message);
