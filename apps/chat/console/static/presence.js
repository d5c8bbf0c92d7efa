/** Who is online in a room, and who is typing. */

const TYPING_DURATION = 5_000;

export class Presence {
  online = new Map(); // user id → name
  typing = new Map(); // user id → {name, timer}
  #me;
  #changed;

  /** `changed()` is called at each change; typing of `me` is ignored. */
  constructor(me, changed) {
    this.#me = me;
    this.#changed = changed;
  }

  /** Replace the users who are online. */
  begin(online) {
    this.online = new Map(online.map(({ user, name }) => [user, name]));
    this.#changed();
  }

  set({ user, name, online }) {
    if (online) this.online.set(user, name);
    else this.online.delete(user);
    this.#changed();
  }

  /** A user types: shown until a message of theirs arrives, or for a while. */
  typed({ user, name }) {
    if (user === this.#me.id) return;
    clearTimeout(this.typing.get(user)?.timer);
    this.typing.set(user, { name, timer: setTimeout(() => this.stoppedTyping(user), TYPING_DURATION) });
    this.#changed();
  }

  stoppedTyping(user) {
    clearTimeout(this.typing.get(user)?.timer);
    if (this.typing.delete(user)) this.#changed();
  }

  /** Without a connection nothing is known. */
  clear() {
    for (const { timer } of this.typing.values()) clearTimeout(timer);
    this.online.clear();
    this.typing.clear();
    this.#changed();
  }
}
