/**
 * A WebSocket that comes back: what the sockets of this package have in common. It resumes after the newest number that
 * came, renews its token when the server does not take it, notices a dead line, and waits between attempts, longer each
 * time, by chance, so that a crowd does not come back at once (full jitter). What frames mean is not told here.
 */

import { LONGEST_WAIT, waitBefore } from "./pacing.js";
import { ProblemError } from "./problem.js";

export { waitBefore } from "./pacing.js";

/** "open": the server has said welcome. "waiting": between attempts. "stopped": for good, until `open()`. */
export type SocketState = "connecting" | "open" | "waiting" | "stopped";

export const CloseCode = {
  normal: 1000,
  tooBig: 1009,
  restart: 1012,
  tooSlow: 1013,
  notAuthenticated: 4401,
  notAMember: 4403,
  noSuchRoom: 4404,
  unknownVersion: 4406,
  sessionEnded: 4408,
  tooManySockets: 4409,
  tooFast: 4429,
} as const;

/** After these another attempt would end the same way. */
const FINAL: ReadonlySet<number> = new Set([
  CloseCode.notAMember,
  CloseCode.noSuchRoom,
  CloseCode.unknownVersion,
  CloseCode.sessionEnded,
]);
/** These ask for patience. */
const SLOW: ReadonlySet<number> = new Set([CloseCode.tooSlow, CloseCode.tooManySockets, CloseCode.tooFast]);
const STEADY = 5_000; // a socket that was open this long starts counting attempts anew
const QUIET = 25_000; // after this long without a frame, ask whether the line is alive
const ANSWER = 10_000; // and this long may the answer, or the welcome, take

/** The socket has stopped with this close code. Messages of a room that were not acknowledged are in its `unsent`. */
export class SocketStopped extends Error {
  override readonly name = "SocketStopped";
  constructor(readonly code: number) {
    super(`The socket has stopped (${code}).`);
  }
}

/** A service shows something; it is not kept. */
export interface EventFrame {
  type: "event";
  name: string;
  data: Record<string, unknown>;
}

export interface PongFrame {
  type: "pong";
}

/** What a server that is newer, or an application of one's own, may push besides. */
export interface UnknownFrame {
  type: string;
  [member: string]: unknown;
}

/** What one can listen to on every socket, beside the frames by their type. */
export interface SocketEvents<Frame> {
  /** Each frame that came, also one of a type that is not known here. */
  frame: Frame | UnknownFrame;
  /** `code` is the close code that led here, 0 without one. */
  state: { state: SocketState; code: number };
}

/** Who the socket connects as, such as a `Session`. */
export interface TokenSource {
  readonly baseUrl: string;
  /** An access token; with `not`, another one than that. */
  token(options?: { not?: string }): Promise<string>;
  /** The server has ended the session. */
  end(): void;
}

export interface SocketOptions {
  session: TokenSource;
  /** The newest number that is known; what came after it is replayed. Without it only new ones come. */
  after?: number;
  /** Milliseconds that it waits at most between attempts, 8,000 unless given: less where somebody looks on. */
  longestWait?: number;
  /** Another WebSocket, for tests and for platforms without one. */
  WebSocket?: typeof globalThis.WebSocket;
}

export abstract class ReconnectingSocket<Frame extends { type: string }, Events extends SocketEvents<Frame>> {
  #path: string;
  #protocol: string;
  #session: TokenSource;
  #make: typeof globalThis.WebSocket;
  #longest: number;
  #socket: WebSocket | null = null;
  #state: SocketState = "stopped";
  #seq: number | null;
  #attempt = 0;
  #openedAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setTimeout> | undefined;
  #refused: string | undefined;
  #listeners = new Map<keyof Events, Set<(event: never) => void>>();

  constructor(path: string, protocol: string, options: SocketOptions) {
    this.#path = path;
    this.#protocol = protocol;
    this.#session = options.session;
    this.#make = options.WebSocket ?? globalThis.WebSocket;
    this.#longest = options.longestWait ?? LONGEST_WAIT;
    this.#seq = options.after ?? null;
  }

  get state(): SocketState {
    return this.#state;
  }

  /** The newest number that came, for `after` of a later socket; null before the first welcome. */
  get seq(): number | null {
    return this.#seq;
  }

  /** Listen to frames of one type, to every `frame` or to `state`. Returns a way to stop. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** Connect, and stay connected until `close()` or until the server says that there is no coming back. */
  open(): this {
    if (this.#state !== "stopped") return this;
    globalThis.addEventListener?.("online", this.retry);
    this.#attempt = 0;
    void this.#connect();
    return this;
  }

  /** Disconnect. */
  close(): void {
    if (this.#state !== "stopped") this.#stop(CloseCode.normal);
  }

  /** Do not sit out the wait between two attempts: somebody looks, or the line is likely back. */
  retry = (): void => {
    if (this.#state !== "waiting") return;
    clearTimeout(this.#timer);
    void this.#connect();
  };

  /** A frame that came. False: nobody is to hear of it. */
  protected abstract take(frame: Frame): boolean;

  /** The state is another one; told before the listeners are. */
  protected turned(_state: SocketState, _code: number): void {}

  /** Send a frame. False without a line. */
  protected send(frame: object): boolean {
    if (this.#state !== "open" || this.#socket?.readyState !== 1) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Whether this number is newer than all before; it is the newest one then. */
  protected advance(seq: number): boolean {
    if (this.#seq === null || seq <= this.#seq) return false;
    this.#seq = seq;
    return true;
  }

  /** The line is dead, or something is missing on it: connect anew. Closing it would wait for an answer that never comes. */
  protected lost(): void {
    this.#drop();
    this.#later(0);
  }

  protected emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) (listener as (event: Events[Name]) => void)(event);
  }

  async #connect(): Promise<void> {
    this.#become("connecting");
    let token: string;
    try {
      token = await this.#session.token(this.#refused === undefined ? {} : { not: this.#refused });
    } catch (error) {
      if (error instanceof ProblemError && error.status === 401) this.#stop(CloseCode.notAuthenticated);
      else this.#later(0);
      return;
    }
    if (this.#state !== "connecting" || this.#socket !== null) return;
    // As a subprotocol, because an address ends up in logs and histories.
    const socket = new this.#make(this.#address(), [this.#protocol, "bearer", token]);
    this.#socket = socket;
    this.#expect(ANSWER, () => this.lost());
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code }) => this.#closed(socket, code, token);
  }

  #address(): string {
    const page = (globalThis as { location?: { href: string } }).location?.href;
    const address = new URL(this.#path, this.#session.baseUrl || page);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    if (this.#seq !== null) address.searchParams.set("after", String(this.#seq));
    return address.href;
  }

  #receive(data: unknown): void {
    let frame: Frame;
    try {
      frame = JSON.parse(String(data)) as Frame;
    } catch {
      return; // not ours: the words of something in between
    }
    this.#expect(QUIET, () => {
      this.send({ type: "ping" });
      this.#expect(ANSWER, () => this.lost());
    });
    if (frame.type === "welcome") this.#welcome((frame as unknown as { seq: number }).seq);
    if (!this.take(frame)) return;
    this.emit(frame.type as keyof Events, frame as never);
    this.emit("frame", frame as never);
  }

  #welcome(seq: number): void {
    this.#openedAt = Date.now();
    this.#refused = undefined;
    this.#seq ??= seq;
    this.#become("open");
  }

  /** Unless a frame arrives before, do `then`. */
  #expect(patience: number, then: () => void): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(then, patience);
  }

  #drop(): void {
    clearTimeout(this.#watch);
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #closed(socket: WebSocket, code: number, token: string): void {
    if (socket !== this.#socket) return;
    this.#drop();
    if (code === CloseCode.sessionEnded) this.#session.end();
    const isRefusedAgain = code === CloseCode.notAuthenticated && this.#refused !== undefined;
    if (FINAL.has(code) || isRefusedAgain) {
      this.#stop(code);
    } else if (code === CloseCode.notAuthenticated) {
      // Once more at once, with a new token.
      this.#refused = token;
      void this.#connect();
    } else {
      this.#later(code);
    }
  }

  #later(code: number): void {
    if (this.#state === "stopped") return;
    if (this.#state === "open" && Date.now() - this.#openedAt >= STEADY) this.#attempt = 0;
    this.#become("waiting", code);
    const pace = SLOW.has(code) ? { slow: true } : { longest: this.#longest };
    this.#timer = setTimeout(() => void this.#connect(), waitBefore(this.#attempt, pace));
    this.#attempt += 1;
  }

  #stop(code: number): void {
    globalThis.removeEventListener?.("online", this.retry);
    clearTimeout(this.#timer);
    this.#drop();
    this.#refused = undefined;
    this.#become("stopped", code);
  }

  #become(state: SocketState, code = 0): void {
    this.#state = state;
    this.turned(state, code);
    this.emit("state", { state, code } as Events["state"]);
  }
}
