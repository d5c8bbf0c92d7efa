/**
 * A room's socket that comes back (`/ws/chat/<room>/`, protocol `sarsen.chat.v1`).
 *
 * It resumes by `seq`, so that each message arrives once and in order; it keeps what is said without a line and sends it
 * when there is one, with a `client_id`, so that nothing is said twice; and it waits between attempts, longer each time,
 * by chance, so that a crowd does not come back at once (full jitter).
 */

import type { AckFrame, Draft, Frame, Frames, MessageFrame, UnknownFrame } from "./frames.js";
import { uuid } from "./ids.js";
import { ProblemError } from "./problem.js";
import type { Session } from "./session.js";

/** "open": the server has said welcome. "waiting": between attempts. "stopped": for good, until `open()`. */
export type ChatState = "connecting" | "open" | "waiting" | "stopped";

export interface ChatEvents extends Frames {
  /** Each frame that came, also one of a type that is not known here. */
  frame: Frame | UnknownFrame;
  /** `code` is the close code that led here, 0 without one. */
  state: { state: ChatState; code: number };
  /** The messages that are not acknowledged have changed. */
  unsent: readonly Draft[];
}

export interface ChatOptions {
  /** The room's slug. */
  room: string;
  session: Session;
  /** The newest number that is known; what came after it is replayed. Without it only new messages come. */
  after?: number;
  /** Messages that an earlier socket did not get through. */
  unsent?: readonly Draft[];
  /** Milliseconds that it waits at most between attempts, 8,000 unless given: less where somebody looks on. */
  longestWait?: number;
  /** Another WebSocket, for tests and for platforms without one. */
  WebSocket?: typeof globalThis.WebSocket;
}

/** The server took the message and refused it. `code` is stable. */
export class ChatRefused extends Error {
  override readonly name = "ChatRefused";
  constructor(
    readonly code: string,
    readonly detail: string,
  ) {
    super(detail);
  }
}

/** The socket has stopped with this close code, and the message was not acknowledged. */
export class ChatStopped extends Error {
  override readonly name = "ChatStopped";
  constructor(readonly code: number) {
    super(`The socket has stopped (${code}).`);
  }
}

export const CloseCode = {
  normal: 1000,
  tooBig: 1009,
  restart: 1012,
  tooSlow: 1013,
  notAuthenticated: 4401,
  notAMember: 4403,
  noSuchRoom: 4404,
  sessionEnded: 4408,
  tooManySockets: 4409,
  tooFast: 4429,
} as const;

/** After these another attempt would end the same way. */
const FINAL: ReadonlySet<number> = new Set([CloseCode.notAMember, CloseCode.noSuchRoom, CloseCode.sessionEnded]);
/** These ask for patience. */
const SLOW: ReadonlySet<number> = new Set([CloseCode.tooSlow, CloseCode.tooManySockets, CloseCode.tooFast]);
const PROTOCOL = "sarsen.chat.v1";
const FIRST_WAIT = 500; // milliseconds, doubled at each attempt
const LONGEST_WAIT = 8_000;
const SLOW_WAIT = 4_000; // the same where the server asked for patience
const LONGEST_SLOW_WAIT = 30_000;
const STEADY = 5_000; // a socket that was open this long starts counting attempts anew
const QUIET = 25_000; // after this long without a frame, ask whether the line is alive
const ANSWER = 10_000; // and this long may the answer, or the welcome, take
const WINDOW = 32; // messages on their way at once; the server reads on while fewer than 64 are
const PER_SECOND = 15; // frames; the server allows 20
const BURST = 60; // and these at once; the server allows 100
const MOST_UNSENT = 1_000;
const TYPING_EVERY = 2_000; // milliseconds; the server passes on no more
const READ_EVERY = 200;

/** Milliseconds to wait before attempt number `attempt` (from 0): by chance between nothing and a bound that doubles. */
export function waitBefore(
  attempt: number,
  { slow = false, longest, random = Math.random }: { slow?: boolean; longest?: number; random?: () => number } = {},
): number {
  const [first, most] = slow ? [SLOW_WAIT, LONGEST_SLOW_WAIT] : [FIRST_WAIT, LONGEST_WAIT];
  return random() * Math.min(longest ?? most, first * 2 ** Math.min(attempt, 16));
}

interface Waiting {
  draft: Draft;
  isSent: boolean;
  resolve: (ack: AckFrame) => void;
  reject: (reason: Error) => void;
}

export class ChatSocket {
  readonly room: string;
  #session: Session;
  #make: typeof globalThis.WebSocket;
  #longest: number;
  #socket: WebSocket | null = null;
  #state: ChatState = "stopped";
  #seq: number | null;
  #attempt = 0;
  #openedAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setTimeout> | undefined;
  #pump: ReturnType<typeof setTimeout> | undefined;
  #refused: string | undefined;
  #waiting = new Map<string, Waiting>();
  #allowance = BURST;
  #countedAt = 0;
  #heldUntil = 0;
  #typedAt = 0;
  #readSeq = 0;
  #reading: ReturnType<typeof setTimeout> | undefined;
  #listeners = new Map<keyof ChatEvents, Set<(event: never) => void>>();

  constructor({ room, session, after, unsent = [], longestWait = LONGEST_WAIT, WebSocket = globalThis.WebSocket }: ChatOptions) {
    this.room = room;
    this.#session = session;
    this.#make = WebSocket;
    this.#longest = longestWait;
    this.#seq = after ?? null;
    for (const draft of unsent) void this.#enqueue(draft);
  }

  get state(): ChatState {
    return this.#state;
  }

  /** The newest number that came, for `after` of a later socket; null before the first welcome. */
  get seq(): number | null {
    return this.#seq;
  }

  /** What was said and is not acknowledged, in order. */
  get unsent(): readonly Draft[] {
    return Array.from(this.#waiting.values(), (waiting) => waiting.draft);
  }

  /** Listen to frames of one type, to every `frame`, to `state` or to `unsent`. Returns a way to stop. */
  on<Name extends keyof ChatEvents>(name: Name, listener: (event: ChatEvents[Name]) => void): () => void {
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

  /** Disconnect. What is not acknowledged stays in `unsent`. */
  close(): void {
    if (this.#state !== "stopped") this.#stop(CloseCode.normal);
  }

  /**
   * Say something, now or when there is a line. Resolves with the receipt. Rejects with `ChatRefused`, or with
   * `ChatStopped` when the socket stops before. `more` are further members of the frame; with a `client_id` of the
   * caller's own the message can be told among those that arrive.
   */
  say(message: string, more: Partial<Draft> = {}): Promise<AckFrame> {
    if (this.#waiting.size >= MOST_UNSENT) return Promise.reject(new ChatRefused("too_many_unsent", "Too much is unsent."));
    const said = this.#enqueue({ ...more, message, client_id: more.client_id ?? uuid() });
    this.#flush();
    return said;
  }

  /** Tell the others that one is typing, as often as keys are pressed; nothing without a line. */
  typing(): void {
    if (Date.now() - this.#typedAt >= TYPING_EVERY && this.#send({ type: "typing" })) this.#typedAt = Date.now();
  }

  /** Tell that everything up to this number was read. Many calls become one frame; nothing without a line. */
  read(seq: number): void {
    this.#readSeq = Math.max(this.#readSeq, seq);
    this.#reading ??= setTimeout(() => {
      this.#reading = undefined;
      this.#send({ type: "read", seq: this.#readSeq });
    }, READ_EVERY);
  }

  /** Do not sit out the wait between two attempts: somebody looks, or the line is likely back. */
  retry = (): void => {
    if (this.#state !== "waiting") return;
    clearTimeout(this.#timer);
    void this.#connect();
  };

  #enqueue(draft: Draft): Promise<AckFrame> {
    const said = new Promise<AckFrame>((resolve, reject) => {
      this.#waiting.set(draft.client_id, { draft, isSent: false, resolve, reject });
    });
    // Whoever does not wait for the receipt hears of failures by events, and need not handle this one.
    said.catch(() => undefined);
    this.#emit("unsent", this.unsent);
    return said;
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
    const socket = new this.#make(this.#address(), [PROTOCOL, "bearer", token]);
    this.#socket = socket;
    this.#expect(ANSWER, () => this.#lost());
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code }) => this.#closed(socket, code, token);
  }

  #address(): string {
    const page = (globalThis as { location?: { href: string } }).location?.href;
    const address = new URL(`/ws/chat/${encodeURIComponent(this.room)}/`, this.#session.baseUrl || page);
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
      this.#send({ type: "ping" });
      this.#expect(ANSWER, () => this.#lost());
    });
    switch (frame.type) {
      case "welcome":
        this.#welcome(frame.seq);
        break;
      case "ack":
        this.#settle(frame.client_id)?.resolve(frame);
        break;
      case "error":
        this.#refuse(frame.code, frame.detail, frame.client_id);
        break;
      case "message":
        if (!this.#isNext(frame)) return;
        break;
    }
    this.#emit(frame.type, frame as never);
    this.#emit("frame", frame);
    this.#flush();
  }

  #welcome(seq: number): void {
    this.#openedAt = Date.now();
    this.#refused = undefined;
    this.#seq ??= seq;
    this.#allowance = BURST;
    this.#countedAt = Date.now();
    for (const waiting of this.#waiting.values()) waiting.isSent = false;
    this.#become("open");
  }

  /** Whether this message is the one that follows. An old one was here before; a gap is mended by connecting anew. */
  #isNext(frame: MessageFrame): boolean {
    if (this.#seq === null || frame.seq <= this.#seq) return false;
    if (frame.seq > this.#seq + 1) {
      this.#lost();
      return false;
    }
    this.#seq = frame.seq;
    return true;
  }

  #refuse(code: string, detail: string, clientId: string | undefined): void {
    if (clientId === undefined) return;
    const waiting = this.#waiting.get(clientId);
    if (waiting === undefined) return;
    if (code === "unavailable") {
      // The server cannot store anything just now: the message keeps its place, and is sent again a little later.
      waiting.isSent = false;
      this.#heldUntil = Date.now() + 1_000 + waitBefore(1);
    } else {
      this.#settle(clientId)?.reject(new ChatRefused(code, detail));
    }
  }

  #settle(clientId: string): Waiting | undefined {
    const waiting = this.#waiting.get(clientId);
    if (this.#waiting.delete(clientId)) this.#emit("unsent", this.unsent);
    return waiting;
  }

  /** Send what may be sent now, and come back for the rest. */
  #flush(): void {
    clearTimeout(this.#pump);
    if (this.#state !== "open") return;
    const held = this.#heldUntil - Date.now();
    let onTheWay = 0;
    for (const waiting of this.#waiting.values()) {
      if (!waiting.isSent) {
        const wait = held > 0 ? held : this.#waitForAllowance();
        if (wait > 0) {
          this.#pump = setTimeout(() => this.#flush(), wait);
          return;
        }
        if (!this.#send(waiting.draft)) return;
        waiting.isSent = true;
      }
      onTheWay += 1;
      if (onTheWay >= WINDOW) return;
    }
  }

  /** Milliseconds until another frame fits the rate. */
  #waitForAllowance(): number {
    const now = Date.now();
    this.#allowance = Math.min(BURST, this.#allowance + ((now - this.#countedAt) / 1000) * PER_SECOND);
    this.#countedAt = now;
    return this.#allowance >= 1 ? 0 : ((1 - this.#allowance) / PER_SECOND) * 1000;
  }

  #send(frame: object): boolean {
    if (this.#state !== "open" || this.#socket?.readyState !== 1) return false;
    this.#allowance -= 1;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Unless a frame arrives before, do `then`. */
  #expect(patience: number, then: () => void): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(then, patience);
  }

  /** The line is dead, and closing it would wait for an answer that never comes. */
  #lost(): void {
    this.#drop();
    this.#later(0);
  }

  #drop(): void {
    clearTimeout(this.#watch);
    clearTimeout(this.#pump);
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
    // Those who wait for a receipt are told; the messages stay for the next `open()` or another socket.
    for (const waiting of this.#waiting.values()) waiting.reject(new ChatStopped(code));
  }

  #become(state: ChatState, code = 0): void {
    this.#state = state;
    this.#emit("state", { state, code });
  }

  #emit<Name extends keyof ChatEvents>(name: Name, event: ChatEvents[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) (listener as (event: ChatEvents[Name]) => void)(event);
  }
}
