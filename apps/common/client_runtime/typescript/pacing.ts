/** Waits between attempts to connect, and the rate of frames. No I/O. */

const FIRST_WAIT = 500; // milliseconds, doubled at each attempt
export const LONGEST_WAIT = 8_000;
const SLOW_WAIT = 4_000; // the same when the server asked to slow down
const LONGEST_SLOW_WAIT = 30_000;

/** Milliseconds to wait before attempt number `attempt` (from 0): random, up to a limit that doubles ("full jitter"). */
export function waitBefore(
  attempt: number,
  { slow = false, longest, random = Math.random }: { slow?: boolean; longest?: number; random?: () => number } = {},
): number {
  const [first, most] = slow ? [SLOW_WAIT, LONGEST_SLOW_WAIT] : [FIRST_WAIT, LONGEST_WAIT];
  return random() * Math.min(longest ?? most, first * 2 ** Math.min(attempt, 16));
}

/** A token bucket for frames: `perSecond` on average, `burst` at once. */
export class Allowance {
  #left: number;
  #countedAt = Date.now();

  constructor(
    readonly perSecond: number,
    readonly burst: number,
  ) {
    this.#left = burst;
  }

  /** Start full, as the server does for each socket. */
  refill(): void {
    this.#left = this.burst;
    this.#countedAt = Date.now();
  }

  /** Count one frame. */
  take(): void {
    this.#left -= 1;
  }

  /** Milliseconds until another frame may be sent, 0 when it may be sent now. */
  wait(): number {
    const now = Date.now();
    this.#left = Math.min(this.burst, this.#left + ((now - this.#countedAt) / 1000) * this.perSecond);
    this.#countedAt = now;
    return this.#left >= 1 ? 0 : ((1 - this.#left) / this.perSecond) * 1000;
  }
}
