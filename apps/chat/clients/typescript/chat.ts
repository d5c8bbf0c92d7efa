/**
 * A reconnecting socket for one room (`/ws/chat/<room>/`, protocol `chat.v1`).
 *
 * It resumes after the newest `seq`, so that each message arrives once and in order, and after the newest `change`, so that
 * no edit and no deletion is missed. Messages sent while it is disconnected are kept and sent later. Each has a `client_id`,
 * so that the server stores it once.
 */

import type { AckFrame, Draft, Frame, Frames, MessageFrame } from "./frames.js";
import { uuid } from "../../../common/client_runtime/typescript/ids.js";
import {
  CloseCode,
  ReconnectingSocket,
  type SocketEvents,
  type SocketOptions,
  type SocketState,
} from "../../../common/client_runtime/typescript/reconnecting_socket.js";
import { Outbox } from "./outbox.js";

export interface ChatEvents extends Frames, SocketEvents<Frame> {
  /** The messages that are not acknowledged, after each change. */
  unsent: readonly Draft[];
}

export interface ChatOptions extends SocketOptions {
  /** The room's slug. */
  room: string;
  /** The newest known edit or deletion: what follows it is replayed. */
  changes?: number;
  /** Messages that an earlier socket could not deliver. */
  unsent?: readonly Draft[];
}

export { ChatRefused } from "./outbox.js";

const PROTOCOL = "chat.v1";
const TYPING_EVERY = 2_000; // milliseconds; the server drops more frequent ones
const READ_EVERY = 200;

export class ChatSocket extends ReconnectingSocket<Frame, ChatEvents> {
  readonly room: string;
  #change: number | null;
  #isNew: boolean;
  #outbox = new Outbox(
    (frame) => this.sendFrame(frame),
    () => this.emit("unsent", this.unsent),
  );
  #typedAt = 0;
  #readSeq = 0;
  #reading: ReturnType<typeof setTimeout> | undefined;

  constructor({ room, changes, unsent = [], ...options }: ChatOptions) {
    super(`/ws/chat/${encodeURIComponent(room)}/`, PROTOCOL, options);
    this.room = room;
    this.#change = changes ?? null;
    this.#isNew = options.after === undefined;
    for (const draft of unsent) void this.#outbox.add(draft);
    this.on("frame", this.#outbox.flush);
  }

  /** The newest edit or deletion received, for `changes` of a later socket; null before one is known. */
  get change(): number | null {
    return this.#change;
  }

  /** Messages that are not acknowledged, in order. They stay when the socket is closed. */
  get unsent(): readonly Draft[] {
    return this.#outbox.drafts;
  }

  /**
   * Send a message, now or once connected. Resolves when it is acknowledged. Rejects with `ChatRefused`, or with
   * `SocketStopped` when the socket stops first. `more` are further members of the frame, such as `reply_to`, or a
   * `client_id` of your own, by which, together with `from`, you recognise the message when it arrives.
   */
  send(message: string, more: Partial<Draft> = {}): Promise<AckFrame> {
    const acknowledged = this.#outbox.add({ ...more, message, client_id: more.client_id ?? uuid() });
    this.#outbox.flush();
    return acknowledged;
  }

  /** Give up a message that is not acknowledged; its promise rejects. The server may have stored it nevertheless. */
  discard(client_id: string): void {
    this.#outbox.refuse("discarded", "The message was discarded.", client_id);
  }

  /** @deprecated Use `send`. */
  say(message: string, more: Partial<Draft> = {}): Promise<AckFrame> {
    return this.send(message, more);
  }

  /** Show the other members that you are typing. Call it at each key; it does nothing while disconnected. */
  typing(): void {
    if (Date.now() - this.#typedAt >= TYPING_EVERY && this.sendFrame({ type: "typing" })) this.#typedAt = Date.now();
  }

  /** Mark everything up to this number as read. Many calls become one frame. Does nothing while disconnected. */
  read(seq: number): void {
    this.#readSeq = Math.max(this.#readSeq, seq);
    this.#reading ??= setTimeout(() => {
      this.#reading = undefined;
      this.sendFrame({ type: "read", seq: this.#readSeq });
    }, READ_EVERY);
  }

  protected override accept(frame: Frame): boolean {
    switch (frame.type) {
      case "welcome":
        if (this.#isNew) this.#change ??= frame.change ?? null;
        this.#isNew = false; // later changes, up to that of another welcome, are replayed first
        break;
      case "edited":
      case "deleted":
        return this.#isNewest(frame.change);
      case "ack":
        this.#outbox.acknowledge(frame);
        break;
      case "error":
        if (frame.client_id !== undefined) this.#outbox.refuse(frame.code, frame.detail, frame.client_id);
        break;
      case "message":
        return this.#isNext(frame);
    }
    return true;
  }

  /** Whether this message is the next one. Drops old messages; reconnects when messages are missing before it. */
  #isNext({ seq }: MessageFrame): boolean {
    if (this.seq !== null && seq > this.seq + 1) {
      this.reconnect();
      return false;
    }
    return this.advance(seq);
  }

  protected override newest(): Record<string, number | null> {
    return { ...super.newest(), changes: this.#change };
  }

  /** Whether this change is the newest; remembers it. An older server does not number changes. */
  #isNewest(change: number | undefined): boolean {
    if (change === undefined) return true;
    if (this.#change !== null && change <= this.#change) return false;
    this.#change = change;
    return true;
  }

  protected override stateChanged(state: SocketState, code: number): void {
    if (code === CloseCode.tooBig) this.#refuseBiggest();
    if (state === "open") this.#outbox.begin();
    else if (state === "stopped") this.#outbox.stop(code);
    else this.#outbox.pause();
  }

  /** A frame was too big. Sent again, it would close the next connection, too. */
  #refuseBiggest(): void {
    const client_id = this.#outbox.biggest;
    if (client_id === undefined) return;
    const refusal = { type: "error", code: "too_big", detail: "The message is too long.", client_id } as const;
    this.#outbox.refuse(refusal.code, refusal.detail, client_id);
    this.emit("error", refusal);
  }

  protected override sendFrame(frame: object): boolean {
    const isSent = super.sendFrame(frame);
    // Frames of every type count.
    if (isSent) this.#outbox.allowance.take();
    return isSent;
  }
}
