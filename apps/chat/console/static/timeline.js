/**
 * The messages of one room in order: numbering, gaps, duplicates, and the user's own messages that are not stored yet.
 * It uses neither network nor screen, so that all of it can be tested with plain calls.
 *
 * The server numbers the messages of a room 1, 2, 3, … without gaps. `head` is the last number up to which nothing is
 * missing. A message beyond a gap is held back until those before it are here. A message that is known already is a
 * change (edited, deleted) and never a second message.
 *
 * It numbers changes as well: `change` of a message is its last one. The higher number counts, in any order of
 * pages and frames.
 */

/** The state of an own message that has no number yet. */
export const Standing = Object.freeze({ WAITING: "waiting", REFUSED: "refused" });

export class Timeline {
  head = null; // nothing is known yet
  #known = new Map(); // seq → message, from `oldest` to `head`
  #ahead = new Map(); // seq → message beyond a gap
  #changed = new Map(); // seq → the newest change received for that message
  #own = new Map(); // clientId → own message without a number, in the order of writing

  /** Start after message number `seq`. Older ones come by `prepend`. */
  begin(seq) {
    this.head = seq;
  }

  get oldest() {
    return this.#known.size ? Math.min(...this.#known.keys()) : this.head + 1;
  }

  get(seq) {
    return this.#known.get(seq);
  }

  /** Numbered messages in order, then those without a number. */
  get items() {
    return [...[...this.#known.values()].sort((one, other) => one.seq - other.seq), ...this.#own.values()];
  }

  /** Take a message from the server. Returns the messages that changed on the screen, in order; none for a duplicate. */
  accept(raw) {
    const message = this.#current(raw);
    if (message.clientId) this.#own.delete(message.clientId);
    if (message.seq <= this.head) {
      const known = this.#known.get(message.seq);
      if (!known || isSame(known, message)) return [];
      this.#known.set(message.seq, merged(known, message));
      return [this.#known.get(message.seq), ...this.#quote(message)];
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

  /** Change a message that was edited or deleted. A deletion without a number is the last change. Returns as `accept` does. */
  change(seq, { change = Infinity, ...rest }) {
    const changes = { ...rest, change };
    if (change <= Math.max(this.#changed.get(seq)?.change ?? 0, this.#known.get(seq)?.change ?? 0)) return [];
    this.#changed.set(seq, changes);
    for (const map of [this.#known, this.#ahead]) {
      if (!map.has(seq)) continue;
      map.set(seq, { ...map.get(seq), ...changes });
      return map === this.#known ? [map.get(seq), ...this.#quote(map.get(seq))] : [];
    }
    return this.#quote({ seq, ...changes });
  }

  /** Put older messages in front. Those that are here already are refreshed. */
  prepend(messages) {
    for (const message of messages.map((raw) => this.#current(raw))) {
      if (message.clientId) this.#own.delete(message.clientId);
      if (message.seq <= this.head) this.#known.set(message.seq, merged(this.#known.get(message.seq), message));
    }
  }

  /** Whether something is missing between `head` and what arrived later. */
  get hasGap() {
    return this.#ahead.size > 0;
  }

  /** Add an own message that is not acknowledged. */
  write(message) {
    this.#own.set(message.clientId, { ...message, standing: Standing.WAITING });
  }

  /** Change an own message without a number. Returns it, or undefined if it has a number by now. */
  mark(clientId, changes) {
    if (this.#own.has(clientId)) this.#own.set(clientId, { ...this.#own.get(clientId), ...changes });
    return this.#own.get(clientId);
  }

  /** The server has stored an own message under this number. Returns what changed, as `accept` does. */
  acknowledge(clientId, { id, seq, at }) {
    const own = this.#own.get(clientId);
    if (!own) return [];
    return this.accept({ ...own, standing: undefined, error: undefined, isLate: undefined, id, seq, at });
  }

  /** Drop an own message that is not acknowledged. */
  discard(clientId) {
    this.#own.delete(clientId);
  }

  /** The own messages that have to be sent again after a reconnect, in the order of writing. */
  get unsent() {
    return [...this.#own.values()].filter((message) => message.standing !== Standing.REFUSED);
  }

  /** A message with the changes that were received before it, its own and that of the message it quotes. */
  #current(message) {
    const newer = this.#changed.get(message.seq);
    const quoted = message.replyTo && this.#changed.get(message.replyTo.seq);
    return {
      ...message,
      ...(newer?.change > (message.change ?? 0) ? newer : {}),
      ...(quoted ? { replyTo: { ...message.replyTo, text: quoted.text, deleted: quoted.deleted ?? false } } : {}),
    };
  }

  /** Replies quote what they reply to: change the quotes of a changed message. Returns the replies. */
  #quote({ seq, text, deleted = false }) {
    const changed = [];
    for (const [key, message] of this.#known) {
      if (message.replyTo?.seq !== seq) continue;
      this.#known.set(key, { ...message, replyTo: { ...message.replyTo, text, deleted } });
      changed.push(this.#known.get(key));
    }
    return changed;
  }
}

const isSame = (one, other) => JSON.stringify(merged(one, other)) === JSON.stringify(one);

/** The newer of two states of a message. Its clientId stays: it identifies the element on the screen. */
function merged(known, message) {
  if (!known) return message;
  if ((known.change ?? 0) > (message.change ?? 0)) return known;
  return { ...known, ...message, clientId: known.clientId ?? message.clientId };
}
