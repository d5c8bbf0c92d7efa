/**
 * A room's socket that comes back (`/ws/chat/<room>/`, protocol `sarsen.chat.v1`).
 *
 * It resumes by `seq`, so that each message arrives once and in order; it keeps what is said without a line and sends it
 * when there is one, with a `client_id`, so that nothing is said twice.
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
  /** The messages that are not acknowledged have changed. */
  unsent: readonly Draft[];
}

export interface ChatOptions extends SocketOptions {
  /** The room's slug. */
  room: string;
  /** Messages that an earlier socket did not get through. */
  unsent?: readonly Draft[];
}

export { ChatRefused } from "./outbox.js";

const PROTOCOL = "sarsen.chat.v1";
const TYPING_EVERY = 2_000; // milliseconds; the server passes on no more
const READ_EVERY = 200;

export class ChatSocket extends ReconnectingSocket<Frame, ChatEvents> {
  readonly room: string;
  #outbox = new Outbox(
    (frame) => this.send(frame),
    () => this.emit("unsent", this.unsent),
  );
  #typedAt = 0;
  #readSeq = 0;
  #reading: ReturnType<typeof setTimeout> | undefined;

  constructor({ room, unsent = [], ...options }: ChatOptions) {
    super(`/ws/chat/${encodeURIComponent(room)}/`, PROTOCOL, options);
    this.room = room;
    for (const draft of unsent) void this.#outbox.add(draft);
    this.on("frame", this.#outbox.flush);
  }

  /** What was said and is not acknowledged, in order. It stays when the socket is closed. */
  get unsent(): readonly Draft[] {
    return this.#outbox.drafts;
  }

  /**
   * Say something, now or when there is a line. Resolves with the receipt. Rejects with `ChatRefused`, or with
   * `SocketStopped` when the socket stops before. `more` are further members of the frame; with a `client_id` of the
   * caller's own the message can be told among those that arrive.
   */
  say(message: string, more: Partial<Draft> = {}): Promise<AckFrame> {
    const said = this.#outbox.add({ ...more, message, client_id: more.client_id ?? uuid() });
    this.#outbox.flush();
    return said;
  }

  /** Tell the others that one is typing, as often as keys are pressed; nothing without a line. */
  typing(): void {
    if (Date.now() - this.#typedAt >= TYPING_EVERY && this.send({ type: "typing" })) this.#typedAt = Date.now();
  }

  /** Tell that everything up to this number was read. Many calls become one frame; nothing without a line. */
  read(seq: number): void {
    this.#readSeq = Math.max(this.#readSeq, seq);
    this.#reading ??= setTimeout(() => {
      this.#reading = undefined;
      this.send({ type: "read", seq: this.#readSeq });
    }, READ_EVERY);
  }

  protected override take(frame: Frame): boolean {
    switch (frame.type) {
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

  /** Whether this message is the one that follows. An old one was here before; a gap is mended by connecting anew. */
  #isNext({ seq }: MessageFrame): boolean {
    if (this.seq !== null && seq > this.seq + 1) {
      this.lost();
      return false;
    }
    return this.advance(seq);
  }

  protected override turned(state: SocketState, code: number): void {
    if (code === CloseCode.tooBig) this.#refuseBiggest();
    if (state === "open") this.#outbox.begin();
    else if (state === "stopped") this.#outbox.stop(code);
    else this.#outbox.pause();
  }

  /** A frame was too big. Sent again it would close the next line, too, so it is refused as if the server had said so. */
  #refuseBiggest(): void {
    const client_id = this.#outbox.biggest;
    if (client_id === undefined) return;
    const refusal = { type: "error", code: "too_big", detail: "The message is too long.", client_id } as const;
    this.#outbox.refuse(refusal.code, refusal.detail, client_id);
    this.emit("error", refusal);
  }

  protected override send(frame: object): boolean {
    const isSent = super.send(frame);
    // Everything counts, messages or not.
    if (isSent) this.#outbox.allowance.take();
    return isSent;
  }
}
