/**
 * Who is signed in: both tokens, their renewal, sign-in and sign-out. The access token is kept in memory only.
 *
 * The server renews a refresh token at each use and ends the whole session when an old one comes back. Hence one renewal
 * runs at a time, whoever asks for it, and a `TokenStore` belongs to one `Session`: two tabs are two sessions.
 */

import type { Fetch } from "../../../common/client_runtime/typescript/connect.js";
import { uuid } from "../../../common/client_runtime/typescript/ids.js";
import { NetworkError, ProblemError } from "../../../common/client_runtime/typescript/problem.js";

/** What a sign-in gives. `expires_in` is the access token's, in seconds. */
export interface TokenPair {
  access: string;
  refresh: string;
  token_type: string;
  expires_in: number;
}

/** A password that was right, where a second factor is due. `methods` says which will do; `expires_in` is in seconds. */
export interface Challenge {
  challenge: string;
  methods: string[];
  expires_in: number;
}

/** Where the refresh token outlives the program: `sessionStorage`, a keychain, a file. */
export interface TokenStore {
  load(): string | null;
  save(refresh: string | null): void;
}

export interface SessionOptions {
  /** Where the server is, as in `https://sarsen.example`. A page of the server's own origin leaves it out. */
  baseUrl?: string;
  /** Without one the session ends with the program. */
  store?: TokenStore;
  /** Milliseconds that a call may take. */
  timeout?: number;
  /** Another fetch, for tests and proxies. */
  fetch?: Fetch;
}

const AUTH = "/api/public/v1/auth";
const MARGIN = 10_000; // an access token with fewer milliseconds left is renewed before it is used

/** A refresh token in the `sessionStorage` of this tab: gone with the tab, never sent by itself. */
export function tabStore(key = "sarsen.refresh"): TokenStore {
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

  /** Whether there is a session, as far as is known here. */
  get isSignedIn(): boolean {
    return this.#refresh !== null;
  }

  /** Be told whenever someone signs in, signs out, or the server ends the session. Returns a way to stop. */
  onChange(listener: (signedIn: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Sign in with a password. Resolves with null, or with a challenge when a second factor is due: then nobody is signed
   * in before `completeSignIn`. Rejects with `ProblemError` or `NetworkError`.
   */
  async signIn(email: string, password: string): Promise<Challenge | null> {
    const said = (await this.#post("login", { email, password })) as TokenPair | Challenge;
    if ("challenge" in said) return said;
    this.adopt(said);
    return null;
  }

  /** Answer a challenge with a code, of the authenticator app or for recovery. A wrong one may be followed by another. */
  async completeSignIn({ challenge }: Challenge, code: string): Promise<void> {
    this.adopt((await this.#post("login/second-factor", { challenge, code })) as TokenPair);
  }

  /** Take up a session that was begun otherwise. */
  adopt(pair: TokenPair): void {
    this.#keep(pair);
    this.#tell();
  }

  /** End the session, here at once and then on the server. Rejects with `NetworkError` when the server was not reached. */
  async signOut(): Promise<void> {
    const refresh = this.#refresh;
    this.end();
    if (refresh !== null) await this.#post("logout", { refresh });
  }

  /** Forget the session here: the server said that it is over. */
  end(): void {
    if (this.#refresh === null) return;
    this.#refresh = this.#access = null;
    this.#store?.save(null);
    this.#tell();
  }

  /** An access token that is good for a while; with `not`, another one than that. Rejects when nobody is signed in. */
  async token({ not }: { not?: string } = {}): Promise<string> {
    if (this.#access !== null && this.#access !== not && Date.now() < this.#expires - MARGIN) return this.#access;
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  /** Send a request with the token; once more with a new one when the server does not take it. */
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
      // The same key until an answer came: a renewal whose answer was lost is answered again, and not taken for a theft.
      const pair = (await this.#post("refresh", { refresh }, { "Idempotency-Key": this.#renewalKey })) as TokenPair;
      // Signed out meanwhile: the new pair must not bring the session back.
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
    // A token that lives shorter than the margin is used for half of its life.
    this.#expires = Date.now() + Math.max(pair.expires_in * 1000, MARGIN + pair.expires_in * 500);
    this.#refresh = pair.refresh;
    this.#renewalKey = uuid();
    this.#store?.save(pair.refresh);
  }

  #tell(): void {
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
  const body = { title: "Unauthorized", code: "not_authenticated", detail: "Nobody is signed in." };
  return new ProblemError(new Response(null, { status: 401 }), body);
}
