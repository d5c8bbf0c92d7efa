/**
 * A room's socket that comes back (`/ws/chat/<room>/`, protocol `sarsen.chat.v1`).
 *
 * It resumes by `seq`, so that each message arrives once and in order; it keeps what is said without a line and sends it
 * when there is one, with a `client_id`, so that nothing is said twice; and it waits between attempts, longer each time,
 * by chance, so that a crowd does not come back at once (full jitter).
 */

import type { AckFrame, Draft, Frame, Frames, MessageFrame, UnknownFrame } from "./frames.js";
import { uuid } from "./ids.js";
import { Outbox } from "./outbox.js";
import { LONGEST_WAIT, waitBefore } from "./pacing.js";
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

export { ChatRefused, ChatStopped } from "./outbox.js";
export { waitBefore } from "./pacing.js";

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
const STEADY = 5_000; // a socket that was open this long starts counting attempts anew
const QUIET = 25_000; // after this long without a frame, ask whether the line is alive
const ANSWER = 10_000; // and this long may the answer, or the welcome, take
const TYPING_EVERY = 2_000; // milliseconds; the server passes on no more
const READ_EVERY = 200;

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
  #refused: string | undefined;
  #outbox = new Outbox(
    (frame) => this.#send(frame),
    () => this.#emit("unsent", this.unsent),
  );
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
    for (const draft of unsent) void this.#outbox.add(draft);
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
    return this.#outbox.drafts;
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
    const said = this.#outbox.add({ ...more, message, client_id: more.client_id ?? uuid() });
    this.#outbox.flush();
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
        this.#outbox.acknowledge(frame);
        break;
      case "error":
        if (frame.client_id !== undefined) this.#outbox.refuse(frame.code, frame.detail, frame.client_id);
        break;
      case "message":
        if (!this.#isNext(frame)) return;
        break;
    }
    this.#emit(frame.type, frame as never);
    this.#emit("frame", frame);
    this.#outbox.flush();
  }

  #welcome(seq: number): void {
    this.#openedAt = Date.now();
    this.#refused = undefined;
    this.#seq ??= seq;
    this.#outbox.begin();
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

  #send(frame: object): boolean {
    if (this.#state !== "open" || this.#socket?.readyState !== 1) return false;
    this.#outbox.allowance.take();
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
    this.#outbox.pause();
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
    this.#outbox.stop(code);
  }

  #become(state: ChatState, code = 0): void {
    this.#state = state;
    this.#emit("state", { state, code });
  }

  #emit<Name extends keyof ChatEvents>(name: Name, event: ChatEvents[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) (listener as (event: ChatEvents[Name]) => void)(event);
  }
}
