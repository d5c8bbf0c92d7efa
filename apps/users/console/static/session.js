/**
 * The session of this tab: signing in and out, registration, resuming after a reload. The tokens and their renewal are
 * the business of the client's Session.
 *
 * The access token is kept in memory only, out of reach of other tabs, extensions' pages and later users of this
 * browser. The refresh token has to survive a reload, so it is in sessionStorage: it ends with the tab, is never sent by
 * itself as a cookie would be, and is not shared as localStorage is.
 *
 * The server rotates the refresh token at each use and ends the session when an old one is used again. Hence a session
 * belongs to one tab. A duplicated tab starts with a copy of the storage of the first; it gives the copy up, because the
 * first tab holds the lock that is named after the session.
 */

import { api, client, connect, data, isFailure, NetworkError, open, ProblemError } from "../../console/api.js";
import { emit } from "../../console/registry.js";
import { uuid } from "../../console/text.js";

const STORAGE_KEY = "console.session"; // {id, refresh}
const LOCK_TIMEOUT = 1_500; // milliseconds; a page that is being reloaded releases its lock within this time
const RETRY = 2_000; // between attempts to resume while the server does not respond
const ENDED = "Your session has ended. Please sign in again.";
const DUPLICATE = "This tab is a duplicate of another one. Sign in to give it a session of its own.";

const stored = () => JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "null");

/** See `session` of the console's registry for what other modules use. */
export class TabSession {
  user = null;
  #id = stored()?.id;
  #reason = ENDED;
  #release = null;
  tokens = new client.Session({ store: { load: () => stored()?.refresh ?? null, save: (refresh) => this.#save(refresh) } });
  isPending = this.tokens.isSignedIn;

  constructor() {
    connect(api.client, { session: this.tokens });
    this.tokens.onChange((isSignedIn) => isSignedIn || this.#ended());
  }

  /** Resume the session after a reload, if there is one. Tries until the server responds. */
  async resume() {
    if (!this.tokens.isSignedIn) return;
    if (!this.#release && !(await this.#lock(LOCK_TIMEOUT))) {
      this.end(DUPLICATE);
      return;
    }
    try {
      await this.#loadUser();
    } catch (error) {
      if (!isFailure(error)) throw error;
      // Without a response the token stays. A refusal of it ends the session.
      if (!(error instanceof ProblemError) || error.status >= 500 || error.status === 429) setTimeout(() => this.resume(), RETRY);
      else this.end(ENDED);
    }
  }

  /** Sign in. Resolves to a challenge if the account has a second factor, else to null. */
  signIn(email, password) {
    return this.#begin(() => this.tokens.signIn(email, password));
  }

  /** Sign in with the answer of a provider. Resolves as `signIn` does. */
  signInWithProvider({ name, body }) {
    return this.#begin(async () => {
      const answer = await data(open.authOidcCallback({ path: { provider: name }, body }));
      if ("challenge" in answer) return answer;
      this.tokens.adopt(answer);
      return null;
    });
  }

  /** Answer the challenge of a second factor with a code of the app or a recovery code. */
  completeSignIn(challenge, code) {
    return this.#begin(() => this.tokens.completeSignIn(challenge, code));
  }

  /** Create an account and sign in with it. */
  async register(email, name, password) {
    await open.authRegister({ body: { email, name, password } });
    await this.signIn(email, password);
  }

  /** End the session here and on the server. If the server does not respond, its part ends by expiry. */
  async signOut() {
    this.#reason = "";
    try {
      await this.tokens.signOut();
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
    }
  }

  /** End the session here, for a reason that is shown to the user. */
  end(reason) {
    this.#reason = reason;
    this.tokens.end();
  }

  /** Make a call that ends the session on the server, for a reason that is shown. A socket may hear of the end before the call is answered. */
  async endBy(call, reason) {
    this.#reason = reason;
    try {
      await call();
      this.tokens.end();
    } finally {
      this.#reason = ENDED;
    }
  }

  /** Take the user's changed profile. */
  update(user) {
    this.user = user;
    emit("profile-changed");
  }

  async #begin(step) {
    this.#release?.();
    this.#id = uuid();
    await this.#lock(0);
    const challenge = (await step()) ?? null;
    if (!challenge) await this.#loadUser();
    return challenge;
  }

  async #loadUser() {
    this.user = await data(api.usersMe());
    const isResumed = this.isPending;
    this.isPending = false;
    emit("signed-in", { isResumed });
  }

  #save(refresh) {
    if (refresh === null) sessionStorage.removeItem(STORAGE_KEY);
    else sessionStorage.setItem(STORAGE_KEY, JSON.stringify({ id: this.#id, refresh }));
  }

  #ended() {
    this.user = null;
    this.isPending = false;
    this.#release?.();
    this.#release = null;
    const reason = this.#reason;
    this.#reason = ENDED;
    emit("signed-out", { reason });
  }

  /** Hold the session's lock until this page is left. Resolves to false if another tab holds it. */
  #lock(timeout) {
    // Pages without a secure context have no locks. A duplicated tab then signs both tabs out, which is the safe side.
    if (!navigator.locks) return Promise.resolve(true);
    return new Promise((resolve) => {
      const options = timeout ? { signal: AbortSignal.timeout(timeout) } : {};
      navigator.locks
        .request(`console.session.${this.#id}`, options, () => new Promise((release) => {
          this.#release = release;
          resolve(true);
        }))
        .catch(() => resolve(false));
    });
  }
}
