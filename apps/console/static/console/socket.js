/**
 * A WebSocket that comes back. What lives here: connecting with the token as a subprotocol, back-off with jitter,
 * noticing a dead line, what each close code means for trying again. What does not: what the frames say (conversation.js).
 */

const FIRST_WAIT = 400; // milliseconds, doubled at each attempt
const LONGEST_WAIT = 6_000;
const PATIENT_WAIT = 15_000; // where the server asked for patience
const QUIET = 25_000; // after this long without a frame, ask whether the line is alive
const ANSWER = 8_000; // and this long may the answer, or the welcome, take

/** Close codes after which another attempt would end the same way. */
const FINAL = new Set([4403, 4404, 4408]);
/** Close codes that ask for patience: too many sockets, too fast. */
const SLOW = new Set([4409, 4429]);

/** How long to wait before attempt number `attempt` (from 0): exponential, and spread so that a crowd does not return at once. */
export function waitFor(attempt, slow = false) {
  const ceiling = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(attempt, 10));
  return (slow ? PATIENT_WAIT : ceiling) * (0.5 + Math.random() / 2);
}

/**
 * Events: `frame` (detail: the decoded object), `state` (detail: {state, code}), where state is "connecting", "open"
 * (the server has said welcome), "waiting" (between attempts) or "stopped".
 *
 * `path()` is asked before each attempt, so that it can carry how far the last one came; `token({not})` likewise.
 */
export class ReconnectingSocket extends EventTarget {
  #socket = null;
  #attempt = 0;
  #timer = 0;
  #watch = 0;
  #stopped = true;
  #refused = null;

  constructor({ path, token }) {
    super();
    this.path = path;
    this.token = token;
    this.state = "stopped";
    this.soon = this.soon.bind(this);
  }

  start() {
    this.#stopped = false;
    addEventListener("online", this.soon);
    document.addEventListener("visibilitychange", this.soon);
    this.#connect();
  }

  stop(code = 1000) {
    this.#stopped = true;
    removeEventListener("online", this.soon);
    document.removeEventListener("visibilitychange", this.soon);
    clearTimeout(this.#timer);
    this.#drop();
    this.#become("stopped", code);
  }

  /** Send a frame; false when there is no line, and the caller keeps what it wanted to say. */
  send(frame) {
    if (this.state !== "open" || this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Do not sit out the wait when the line is likely back, or someone looks at the page. */
  soon() {
    if (this.state !== "waiting" || document.visibilityState === "hidden") return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  async #connect() {
    this.#become("connecting");
    let token;
    try {
      token = await this.token({ not: this.#refused });
    } catch (problem) {
      if (problem.status === 401) this.stop(4401);
      else this.#later();
      return;
    }
    if (this.#stopped || this.#socket) return;
    const address = new URL(this.path(), location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    // As a subprotocol, because an address ends up in logs and histories.
    const socket = new WebSocket(address, ["bearer", token]);
    this.#socket = socket;
    this.#expect(ANSWER);
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code }) => this.#closed(socket, code, token);
  }

  #receive(data) {
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return; // not ours: a proxy's words
    }
    if (frame.type === "welcome") {
      this.#attempt = 0;
      this.#refused = null;
      this.#become("open");
    }
    this.#expect(QUIET, () => {
      this.send({ type: "ping" });
      this.#expect(ANSWER);
    });
    if (frame.type !== "pong") this.dispatchEvent(new CustomEvent("frame", { detail: frame }));
  }

  /** Unless a frame arrives within `patience`, do `then`; by default, take the line for dead. */
  #expect(patience, then = () => this.#lost()) {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(then, patience);
  }

  #lost() {
    // close() on a dead line waits for an answer that never comes, so do not wait for its event.
    this.#drop();
    this.#later();
  }

  #drop() {
    clearTimeout(this.#watch);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #closed(socket, code, token) {
    if (socket !== this.#socket) return;
    this.#drop();
    if (FINAL.has(code)) return this.stop(code);
    if (code === 4401) this.#refused = token;
    this.#later(code);
  }

  #later(code = 1006) {
    if (this.#stopped) return;
    this.#become("waiting", code);
    this.#timer = setTimeout(() => this.#connect(), waitFor(this.#attempt, SLOW.has(code)));
    this.#attempt += 1;
  }

  #become(state, code = 0) {
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: { state, code } }));
  }
}
