/**
 * Who is signed in, in this tab. What lives here: both tokens, their renewal, sign-in, registration, sign-out.
 * What does not: forms and rooms.
 *
 * The access token is kept in memory only. It lives ten minutes and whoever reads it is the user, so it goes where no
 * other tab, extension page or later visitor of this browser finds it. The refresh token has to outlive a reload, so it
 * is in sessionStorage: gone with the tab, never sent by itself as a cookie would be, not shared as localStorage is.
 *
 * The server renews a refresh token at each use and ends the whole session when an old one comes back. Hence one tab is
 * one session, one renewal runs at a time, and a duplicated tab, which begins with a copy of its sister's storage,
 * gives that copy up. The tab that holds the lock named after the session is its owner.
 */

import { Problem, request } from "./api.js";
import { uuid } from "./text.js";

const STORED = "sarsen.session"; // {id, refresh}
const AUTH = "/api/public/v1/auth";
const MARGIN = 30_000; // renew this many milliseconds before the access token expires
const HANDOVER = 1_500; // what a page that is being reloaded may take to let its lock go

const signedOut = (detail) => new Problem({ status: 401, code: "signed_out", detail });

/** Emits `change` whenever someone signs in or out; `detail.reason` says why a session ended by itself. */
export class Session extends EventTarget {
  user = null;
  #stored = null;
  #access = null;
  #expires = 0;
  #renewal = null;
  #timer = 0;
  #release = null;

  /** Take up the session that a reload interrupted. Resolves to whether someone is signed in. */
  async resume() {
    const stored = JSON.parse(sessionStorage.getItem(STORED) ?? "null");
    if (!stored) return false;
    if (!(await this.#own(stored.id, HANDOVER))) {
      sessionStorage.removeItem(STORED);
      this.#tell("This tab is a copy of another one. Sign in to give it a session of its own.");
      return false;
    }
    this.#stored = stored;
    try {
      await this.#identify();
      return true;
    } catch (problem) {
      // Out of reach is not signed out: keep the token and try again when there is a line.
      if (problem.status === 401 || problem.status === 403) this.#forget();
      else throw problem;
      return false;
    }
  }

  /** Sign in with a password. Rejects with the server's Problem. */
  async signIn(email, password) {
    const pair = await request("POST", `${AUTH}/login/`, { body: { email, password } });
    this.#forget();
    const id = uuid();
    await this.#own(id, 0);
    this.#keep(id, pair);
    await this.#identify();
  }

  /** Make an account and sign in with it. */
  async register(email, name, password) {
    await request("POST", `${AUTH}/register/`, { body: { email, name, password } });
    await this.signIn(email, password);
  }

  /** End the session here and on the server. Works without a line too: then the server's part ends by expiry. */
  async signOut() {
    const refresh = this.#stored?.refresh;
    this.#forget();
    this.#tell("");
    if (!refresh) return;
    await request("POST", `${AUTH}/logout/`, { body: { refresh } }).catch((problem) => {
      if (problem.status !== 0) throw problem;
    });
  }

  /** The server said that the session is over. */
  end(reason) {
    if (!this.#stored) return;
    this.#forget();
    this.#tell(reason);
  }

  /** An access token that is good for a while; with `not`, another one than that. */
  async token({ not = null } = {}) {
    if (!this.#stored) throw signedOut("You are signed out.");
    const fresh = this.#access && this.#access !== not && Date.now() < this.#expires - MARGIN / 3;
    if (!fresh) await this.#renew();
    return this.#access;
  }

  async #identify() {
    const token = await this.token();
    this.user = await request("GET", "/api/private/v1/users/me/", { token });
    this.#tell("");
  }

  /** One renewal at a time; whoever asks meanwhile waits for the same answer. */
  #renew() {
    this.#renewal ??= this.#rotate().finally(() => { this.#renewal = null; });
    return this.#renewal;
  }

  async #rotate() {
    const { id, refresh } = this.#stored;
    try {
      const pair = await request("POST", `${AUTH}/refresh/`, { body: { refresh } });
      // Signed out meanwhile: the new pair must not bring the session back.
      if (this.#stored?.id !== id) throw signedOut("You are signed out.");
      this.#keep(id, pair);
    } catch (problem) {
      if (problem.status === 401 && this.#stored?.id === id) this.end("Your session has ended. Please sign in again.");
      throw problem;
    }
  }

  #keep(id, { access, refresh, expires_in: seconds }) {
    this.#access = access;
    this.#expires = Date.now() + seconds * 1000;
    this.#stored = { id, refresh };
    sessionStorage.setItem(STORED, JSON.stringify(this.#stored));
    clearTimeout(this.#timer);
    // Before it expires, so that no call has to wait. A failure shows at the next call, which tries once more.
    const early = Math.max(seconds * 1000 - MARGIN, seconds * 500);
    this.#timer = setTimeout(() => this.#renew().catch(() => {}), early);
  }

  #forget() {
    clearTimeout(this.#timer);
    sessionStorage.removeItem(STORED);
    this.user = this.#stored = this.#access = null;
    this.#release?.();
    this.#release = null;
  }

  /** Hold the session's lock for as long as this page lives. False: another tab holds it. */
  #own(id, patience) {
    // Without a secure context there are no locks; a copied tab then signs both out, the safe side of the mistake.
    if (!navigator.locks) return Promise.resolve(true);
    return new Promise((resolve) => {
      const options = patience ? { signal: AbortSignal.timeout(patience) } : {};
      navigator.locks
        .request(`sarsen.session.${id}`, options, () => new Promise((release) => {
          this.#release = release;
          resolve(true);
        }))
        .catch(() => resolve(false));
    });
  }

  #tell(reason) {
    this.dispatchEvent(new CustomEvent("change", { detail: { reason } }));
  }
}
