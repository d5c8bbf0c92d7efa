/** What was said and is not acknowledged, in order, with those who wait for the receipts. No I/O but what it is given. */

import type { AckFrame, Draft } from "./frames.js";
import { Allowance, waitBefore } from "../../../common/client_runtime/typescript/pacing.js";
import { SocketStopped } from "../../../common/client_runtime/typescript/reconnecting_socket.js";

const WINDOW = 32; // messages on their way at once; the server reads on while fewer than 64 are
const MOST = 1_000;
const PER_SECOND = 15; // frames; the server allows 20
const BURST = 60; // and these at once; the server allows 100

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

interface Waiting {
  draft: Draft;
  isSent: boolean;
  resolve: (ack: AckFrame) => void;
  reject: (reason: Error) => void;
}

export class Outbox {
  /** Everything that is sent on the socket counts, messages or not. */
  readonly allowance = new Allowance(PER_SECOND, BURST);
  #waiting = new Map<string, Waiting>();
  #heldUntil = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `send` says whether there is a line; `changed` is told whenever the drafts are others. */
  constructor(
    readonly send: (frame: object) => boolean,
    readonly changed: () => void,
  ) {}

  get drafts(): readonly Draft[] {
    return Array.from(this.#waiting.values(), (waiting) => waiting.draft);
  }

  /** The id of the biggest message that is on its way. */
  get biggest(): string | undefined {
    const size = ({ draft }: Waiting) => JSON.stringify(draft).length;
    const sent = Array.from(this.#waiting.values()).filter(({ isSent }) => isSent);
    return sent.sort((one, other) => size(other) - size(one))[0]?.draft.client_id;
  }

  /** Keep a message until it is acknowledged. */
  add(draft: Draft): Promise<AckFrame> {
    if (this.#waiting.size >= MOST) return Promise.reject(new ChatRefused("too_many_unsent", "Too much is unsent."));
    const said = new Promise<AckFrame>((resolve, reject) => {
      this.#waiting.set(draft.client_id, { draft, isSent: false, resolve, reject });
    });
    // Whoever does not wait for the receipt hears of failures by events, and need not handle this one.
    said.catch(() => undefined);
    this.changed();
    return said;
  }

  /** The receipt has come. */
  acknowledge(ack: AckFrame): void {
    this.#settle(ack.client_id)?.resolve(ack);
  }

  /** The server did not take a message. */
  refuse(code: string, detail: string, clientId: string): void {
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

  /** There is a new line: what is not acknowledged has to be sent on it again. */
  begin(): void {
    this.allowance.refill();
    for (const waiting of this.#waiting.values()) waiting.isSent = false;
  }

  /** Send what may be sent now, in order, within the window and the rate, and come back for the rest. */
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

  /** There is no line any more. */
  pause(): void {
    clearTimeout(this.#timer);
  }

  /** Those who wait for a receipt are told; the messages stay for the next `open()` or another socket. */
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
