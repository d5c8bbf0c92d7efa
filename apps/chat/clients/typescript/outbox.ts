/** Messages that are not acknowledged, in order, and the promises of their acknowledgements. */

import type { AckFrame, Draft } from "./frames.js";
import { Allowance, waitBefore } from "../../../common/client_runtime/typescript/pacing.js";
import { SocketStopped } from "../../../common/client_runtime/typescript/reconnecting_socket.js";

const WINDOW = 32; // messages in flight; the server reads on while it has fewer than 64
const MOST = 1_000;
const PER_SECOND = 15; // frames; the server allows 20
const BURST = 60; // frames at once; the server allows 100

/** The server refused a message. `code` is stable. */
export class ChatRefused extends Error {
  override readonly name = "ChatRefused";
  constructor(
    readonly code: string,
    readonly detail: string,
  ) {
    super(detail);
  }
}

interface Waiting {
  draft: Draft;
  isSent: boolean;
  resolve: (ack: AckFrame) => void;
  reject: (reason: Error) => void;
}

export class Outbox {
  /** Every frame that the socket sends counts. */
  readonly allowance = new Allowance(PER_SECOND, BURST);
  #waiting = new Map<string, Waiting>();
  #heldUntil = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `send` returns false while disconnected; `changed` is called when the drafts have changed. */
  constructor(
    readonly send: (frame: object) => boolean,
    readonly changed: () => void,
  ) {}

  get drafts(): readonly Draft[] {
    return Array.from(this.#waiting.values(), (waiting) => waiting.draft);
  }

  /** The `client_id` of the biggest message in flight. */
  get biggest(): string | undefined {
    const size = ({ draft }: Waiting) => JSON.stringify(draft).length;
    const sent = Array.from(this.#waiting.values()).filter(({ isSent }) => isSent);
    return sent.sort((one, other) => size(other) - size(one))[0]?.draft.client_id;
  }

  /** Keep a message until it is acknowledged. */
  add(draft: Draft): Promise<AckFrame> {
    if (this.#waiting.size >= MOST) return Promise.reject(new ChatRefused("too_many_unsent", "Too much is unsent."));
    const acknowledged = new Promise<AckFrame>((resolve, reject) => {
      this.#waiting.set(draft.client_id, { draft, isSent: false, resolve, reject });
    });
    // Callers who do not await the promise need not handle its rejection.
    acknowledged.catch(() => undefined);
    this.changed();
    return acknowledged;
  }

  /** Settle a message that the server has stored. */
  acknowledge(ack: AckFrame): void {
    this.#settle(ack.client_id)?.resolve(ack);
  }

  /** Settle a message that the server has refused. */
  refuse(code: string, detail: string, clientId: string): void {
    const waiting = this.#waiting.get(clientId);
    if (waiting === undefined) return;
    if (code === "unavailable") {
      // The server cannot store anything at the moment: keep the message and send it again in a second or two.
      waiting.isSent = false;
      this.#heldUntil = Date.now() + 1_000 + waitBefore(1);
    } else {
      this.#settle(clientId)?.reject(new ChatRefused(code, detail));
    }
  }

  /** Send everything again, on a new connection. */
  begin(): void {
    this.allowance.refill();
    for (const waiting of this.#waiting.values()) waiting.isSent = false;
  }

  /** Send messages in order, within the window and the rate, and schedule the rest. */
  flush = (): void => {
    clearTimeout(this.#timer);
    const held = this.#heldUntil - Date.now();
    for (const waiting of Array.from(this.#waiting.values()).slice(0, WINDOW)) {
      if (waiting.isSent) continue;
      const wait = held > 0 ? held : this.allowance.wait();
      if (wait > 0) {
        this.#timer = setTimeout(this.flush, wait);
        return;
      }
      if (!this.send(waiting.draft)) return;
      waiting.isSent = true;
    }
  };

  /** The connection is closed. */
  pause(): void {
    clearTimeout(this.#timer);
  }

  /** Reject the promises. The messages stay, for the next `open()` or another socket. */
  stop(code: number): void {
    this.pause();
    for (const waiting of this.#waiting.values()) waiting.reject(new SocketStopped(code));
  }

  #settle(clientId: string): Waiting | undefined {
    const waiting = this.#waiting.get(clientId);
    if (this.#waiting.delete(clientId)) this.changed();
    return waiting;
  }
}
