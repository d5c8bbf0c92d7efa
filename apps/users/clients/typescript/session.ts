/**
 * The session of a user: sign-in, both tokens, their renewal, sign-out. The access token stays in memory.
 *
 * The server rotates the refresh token at each use and ends the session when an old one is used again. So only one renewal
 * runs at a time, and each `Session` has a `TokenStore` of its own: two tabs are two sessions.
 */

import type { Fetch } from "../../../common/client_runtime/typescript/connect.js";
import { uuid } from "../../../common/client_runtime/typescript/ids.js";
import { NetworkError, ProblemError } from "../../../common/client_runtime/typescript/problem.js";

/** The tokens of a session. `expires_in` is that of the access token, in seconds. */
export interface TokenPair {
  access: string;
  refresh: string;
  token_type: string;
  expires_in: number;
}

/** The password is right, and a second factor is required: one of `methods`, within `expires_in` seconds. */
export interface Challenge {
  challenge: string;
  methods: string[];
  expires_in: number;
}

/** Keeps the refresh token between runs of the program: `sessionStorage`, a keychain, a file. */
export interface TokenStore {
  load(): string | null;
  save(refresh: string | null): void;
}

export interface SessionOptions {
  /** The server's address, such as `https://site.example`. Pages of the same origin omit it. */
  baseUrl?: string;
  /** Without one, the session ends with the program. */
  store?: TokenStore;
  /** The limit for a call, in milliseconds. */
  timeout?: number;
  /** Replaces `fetch`, for tests and proxies. */
  fetch?: Fetch;
}

const AUTH = "/api/public/v1/auth";
const MARGIN = 10_000; // milliseconds before its expiry at which an access token is renewed

/** Keeps the refresh token in `sessionStorage`: it ends with the tab and is not a cookie. */
export function tabStore(key = "session.refresh"): TokenStore {
  return {
    load: () => sessionStorage.getItem(key),
    save: (refresh) => (refresh === null ? sessionStorage.removeItem(key) : sessionStorage.setItem(key, refresh)),
  };
}

export class Session {
  readonly baseUrl: string;
  #store: TokenStore | undefined;
  #timeout: number;
  #fetch: Fetch;
  #refresh: string | null;
  #access: string | null = null;
  #expires = 0;
  #renewalKey = uuid();
  #renewal: Promise<string> | null = null;
  #listeners = new Set<(signedIn: boolean) => void>();

  constructor({ baseUrl = "", store, timeout = 20_000, fetch = globalThis.fetch.bind(globalThis) }: SessionOptions = {}) {
    this.baseUrl = baseUrl;
    this.#store = store;
    this.#timeout = timeout;
    this.#fetch = fetch;
    this.#refresh = store?.load() ?? null;
  }

  /** Whether there is a session, as far as this client knows. */
  get isSignedIn(): boolean {
    return this.#refresh !== null;
  }

  /** Listen to sign-ins, sign-outs, and sessions ended by the server. Returns a function that stops listening. */
  onChange(listener: (signedIn: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Sign in with a password. Resolves with null, or with a challenge when a second factor is required: pass it to
   * `completeSignIn`. Rejects with `ProblemError` or `NetworkError`.
   */
  async signIn(email: string, password: string): Promise<Challenge | null> {
    const answer = (await this.#post("login", { email, password })) as TokenPair | Challenge;
    if ("challenge" in answer) return answer;
    this.adopt(answer);
    return null;
  }

  /** Answer a challenge with a code of the authenticator app or a recovery code. After a wrong code, try again. */
  async completeSignIn({ challenge }: Challenge, code: string): Promise<void> {
    this.adopt((await this.#post("login/second-factor", { challenge, code })) as TokenPair);
  }

  /** Use the tokens of a session that was started elsewhere. */
  adopt(pair: TokenPair): void {
    this.#keep(pair);
    this.#notify();
  }

  /** End the session, first here, then on the server. Rejects with `NetworkError` when the server did not answer. */
  async signOut(): Promise<void> {
    const refresh = this.#refresh;
    this.end();
    if (refresh !== null) await this.#post("logout", { refresh });
  }

  /** Forget the session here. Does not call the server. */
  end(): void {
    if (this.#refresh === null) return;
    this.#refresh = this.#access = null;
    this.#store?.save(null);
    this.#notify();
  }

  /** A valid access token, other than `not`. Rejects when signed out. */
  async token({ not }: { not?: string } = {}): Promise<string> {
    if (this.#access !== null && this.#access !== not && Date.now() < this.#expires - MARGIN) return this.#access;
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  /** Send a request with the token, and once more with a new one after a 401. */
  async send(request: Request, fetch: Fetch = this.#fetch): Promise<Response> {
    const again = request.clone();
    const token = await this.token();
    const response = await fetch(withToken(request, token));
    if (response.status !== 401) return response;
    return fetch(withToken(again, await this.token({ not: token })));
  }

  async #renew(): Promise<string> {
    const refresh = this.#refresh;
    if (refresh === null) throw signedOut();
    try {
      // A renewal whose answer was lost is repeated under the same key, so that the server does not take it for a theft.
      const pair = (await this.#post("refresh", { refresh }, { "Idempotency-Key": this.#renewalKey })) as TokenPair;
      // Signed out during the renewal: stay signed out.
      if (this.#refresh !== refresh) throw signedOut();
      this.#keep(pair);
      return pair.access;
    } catch (error) {
      if (error instanceof ProblemError && error.status === 401 && this.#refresh === refresh) this.end();
      throw error;
    }
  }

  #keep(pair: TokenPair): void {
    this.#access = pair.access;
    // A token that expires within the margin is used for half of its lifetime.
    this.#expires = Date.now() + Math.max(pair.expires_in * 1000, MARGIN + pair.expires_in * 500);
    this.#refresh = pair.refresh;
    this.#renewalKey = uuid();
    this.#store?.save(pair.refresh);
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) listener(this.isSignedIn);
  }

  async #post(action: string, body: object, headers: Record<string, string> = {}): Promise<unknown> {
    let response: Response;
    try {
      response = await this.#fetch(
        new Request(`${this.baseUrl}${AUTH}/${action}/`, {
          method: "POST",
          headers: { Accept: "application/json", "Content-Type": "application/json", ...headers },
          body: JSON.stringify(body),
          credentials: "omit",
          signal: AbortSignal.timeout(this.#timeout),
        }),
      );
    } catch (error) {
      throw new NetworkError(error);
    }
    if (!response.ok) throw await ProblemError.of(response);
    return response.status === 204 ? null : response.json();
  }
}

function withToken(request: Request, token: string): Request {
  request.headers.set("Authorization", `Bearer ${token}`);
  return request;
}

function signedOut(): ProblemError {
  const body = { title: "Unauthorized", code: "not_authenticated", detail: "You are not signed in." };
  return new ProblemError(new Response(null, { status: 401 }), body);
}
