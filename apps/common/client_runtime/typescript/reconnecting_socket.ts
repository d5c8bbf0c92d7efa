/**
 * A WebSocket that reconnects: the base of the sockets in this package. It resumes after the newest number that it
 * received, renews a token that the server refuses, detects dead connections, and waits longer after each failed attempt,
 * for a random time (full jitter). What frames mean is up to subclasses.
 */

import { LONGEST_WAIT, waitBefore } from "./pacing.js";
import { ProblemError } from "./problem.js";

export { waitBefore } from "./pacing.js";

/** "open": welcomed by the server. "waiting": between attempts. "stopped": until `open()` is called. */
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

/** After these, reconnecting would fail again. */
const FINAL: ReadonlySet<number> = new Set([
  CloseCode.notAMember,
  CloseCode.noSuchRoom,
  CloseCode.unknownVersion,
  CloseCode.sessionEnded,
  CloseCode.tooManySockets,
]);
/** After these, the socket waits longer. */
const SLOW: ReadonlySet<number> = new Set([CloseCode.tooSlow, CloseCode.tooFast]);
const STEADY = 5_000; // milliseconds open after which failed attempts are forgotten
const QUIET = 25_000; // milliseconds without a frame after which the socket pings
const ANSWER = 10_000; // milliseconds, the limit for the answer and for the welcome

/** The socket has stopped with this close code. */
export class SocketStopped extends Error {
  override readonly name = "SocketStopped";
  constructor(readonly code: number) {
    super(`The socket has stopped (${code}).`);
  }
}

/** An event from a service. The server does not store events. */
export interface EventFrame {
  type: "event";
  name: string;
  data: Record<string, unknown>;
}

export interface PongFrame {
  type: "pong";
}

/** A frame of a type that this client does not know. */
export interface UnknownFrame {
  type: string;
  [member: string]: unknown;
}

/** The events of every socket, besides frames by type. */
export interface SocketEvents<Frame> {
  /** Every frame, also of an unknown type. */
  frame: Frame | UnknownFrame;
  /** `code` is the close code that led to the state, 0 without one. */
  state: { state: SocketState; code: number };
}

/** The credential of a socket, such as a `Session`. */
export interface TokenSource {
  readonly baseUrl: string;
  /** An access token; with `not`, another one than that. */
  token(options?: { not?: string }): Promise<string>;
  /** The server has ended the session. */
  end(): void;
}

export interface SocketOptions {
  session: TokenSource;
  /** The newest known number: what follows it is replayed. Without it, only new frames arrive. */
  after?: number;
  /** The longest wait between attempts, in milliseconds; 8,000 by default. */
  longestWait?: number;
  /** Replaces `WebSocket`, for tests and for platforms without one. */
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

  /** The newest number received, for `after` of a later socket; null before the first welcome. */
  get seq(): number | null {
    return this.#seq;
  }

  /** Listen to frames of one type, to every `frame` or to `state`. Returns a function that stops listening. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** Connect, and reconnect until `close()` is called or the server ends the socket permanently. */
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

  /** Reconnect now instead of waiting. */
  retry = (): void => {
    if (this.#state !== "waiting") return;
    clearTimeout(this.#timer);
    void this.#connect();
  };

  /** Handle a frame. Returns whether listeners receive it. */
  protected abstract accept(frame: Frame): boolean;

  /** Called before the listeners. */
  protected stateChanged(_state: SocketState, _code: number): void {}

  /** The newest numbers received, by the parameters in which the server expects them. */
  protected newest(): Record<string, number | null> {
    return { after: this.#seq };
  }

  /** Send a frame. Returns false while disconnected. */
  protected sendFrame(frame: object): boolean {
    if (this.#state !== "open" || this.#socket?.readyState !== 1) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Returns whether this number is the newest, and remembers it. */
  protected advance(seq: number): boolean {
    if (this.#seq === null || seq <= this.#seq) return false;
    this.#seq = seq;
    return true;
  }

  /** Reconnect: the connection is dead, or frames are missing. Does not wait for the server to close it. */
  protected reconnect(): void {
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
    // The token is a subprotocol, because addresses end up in logs and histories.
    const socket = new this.#make(this.#address(), [this.#protocol, "bearer", token]);
    this.#socket = socket;
    this.#expect(ANSWER, () => this.reconnect());
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code }) => this.#closed(socket, code, token);
  }

  #address(): string {
    const page = (globalThis as { location?: { href: string } }).location?.href;
    const address = new URL(this.#path, this.#session.baseUrl || page);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    for (const [name, number] of Object.entries(this.newest())) {
      if (number !== null) address.searchParams.set(name, String(number));
    }
    return address.href;
  }

  #receive(data: unknown): void {
    let frame: Frame;
    try {
      frame = JSON.parse(String(data)) as Frame;
    } catch {
      return; // from a proxy
    }
    this.#expect(QUIET, () => {
      this.sendFrame({ type: "ping" });
      this.#expect(ANSWER, () => this.reconnect());
    });
    if (frame.type === "welcome") this.#welcome((frame as unknown as { seq: number }).seq);
    if (!this.accept(frame)) return;
    this.emit(frame.type as keyof Events, frame as never);
    this.emit("frame", frame as never);
  }

  #welcome(seq: number): void {
    this.#openedAt = Date.now();
    this.#refused = undefined;
    this.#seq ??= seq;
    this.#become("open");
  }

  /** Call `otherwise` unless a frame arrives in time. */
  #expect(milliseconds: number, otherwise: () => void): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(otherwise, milliseconds);
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
      // Try once more, with a new token.
      this.#refused = token;
      void this.#connect();
    } else {
      this.#later(code);
    }
  }

  #later(code: number): void {
    if (this.#state === "stopped") return;
    if (this.#state === "open" && Date.now() - this.#openedAt >= STEADY) this.#attempt = 0;
    const pace = SLOW.has(code) ? { slow: true } : { longest: this.#longest };
    this.#timer = setTimeout(() => void this.#connect(), waitBefore(this.#attempt, pace));
    this.#attempt += 1;
    this.#become("waiting", code); // last: a listener may close the socket
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
    this.stateChanged(state, code);
    this.emit("state", { state, code } as Events["state"]);
  }
}
