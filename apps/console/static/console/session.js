/**
 * Who is signed in, in this tab. What lives here: sign-in, registration, sign-out, and whose the session is.
 * What does not: the tokens and their renewal (the client's Session), forms and rooms.
 *
 * The access token is kept in memory only. It lives ten minutes and whoever reads it is the user, so it goes where no
 * other tab, extension page or later visitor of this browser finds it. The refresh token has to outlive a reload, so it
 * is in sessionStorage: gone with the tab, never sent by itself as a cookie would be, not shared as localStorage is.
 *
 * The server renews a refresh token at each use and ends the whole session when an old one comes back. Hence one tab is
 * one session, and a duplicated tab, which begins with a copy of its sister's storage, gives that copy up. The tab that
 * holds the lock named after the session is its owner.
 */

import { api, connect, data, NetworkError, open, ProblemError, Session } from "./api.js";
import { uuid } from "./text.js";

const STORED = "sarsen.session"; // {id, refresh}
const HANDOVER = 1_500; // what a page that is being reloaded may take to let its lock go
const ENDED = "Your session has ended. Please sign in again.";
const COPY = "This tab is a copy of another one. Sign in to give it a session of its own.";

const stored = () => JSON.parse(sessionStorage.getItem(STORED) ?? "null");

/** Emits `change` whenever someone signs in or out (`detail.reason` says why a session ended by itself), `renamed` when they change. */
export class TabSession extends EventTarget {
  user = null;
  #id = stored()?.id;
  #reason = ENDED;
  #release = null;
  tokens = new Session({ store: { load: () => stored()?.refresh ?? null, save: (refresh) => this.#save(refresh) } });

  constructor() {
    super();
    connect(api.client, { session: this.tokens });
    this.tokens.onChange((isSignedIn) => isSignedIn || this.#over());
  }

  /** Take up the session that a reload interrupted. Resolves to whether someone is signed in; rejects while the server is away. */
  async resume() {
    if (!this.tokens.isSignedIn) return false;
    if (!this.#release && !(await this.#own(HANDOVER))) {
      this.end(COPY);
      return false;
    }
    try {
      await this.#identify();
    } catch (error) {
      // Out of reach is not signed out: keep the token and try again when there is a line.
      if (!(error instanceof ProblemError) || error.status >= 500 || error.status === 429) throw error;
      this.end(ENDED);
    }
    return this.user !== null;
  }

  /** Sign in. Resolves to a challenge where the account has a second factor, to null when someone is signed in. */
  signIn(email, password) {
    return this.#enter(() => this.tokens.signIn(email, password));
  }

  /** Sign in with what a provider outside sent the browser back with. Resolves as `signIn` does. */
  signInFrom({ name, body }) {
    return this.#enter(async () => {
      const said = await data(open.authOidcCallback({ path: { provider: name }, body }));
      if ("challenge" in said) return said;
      this.tokens.adopt(said);
      return null;
    });
  }

  /** The second step of signing in: a code of the app, or a recovery code. */
  completeSignIn(challenge, code) {
    return this.#enter(() => this.tokens.completeSignIn(challenge, code));
  }

  /** Make an account and sign in with it. */
  async register(email, name, password) {
    await open.authRegister({ body: { email, name, password } });
    await this.signIn(email, password);
  }

  /** End the session here and on the server. Works without a line too: then the server's part ends by expiry. */
  async signOut() {
    this.#reason = "";
    try {
      await this.tokens.signOut();
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
    }
  }

  /** The session is over. */
  end(reason) {
    this.#reason = reason;
    this.tokens.end();
  }

  /** The account was changed here. */
  changed(user) {
    this.user = user;
    this.dispatchEvent(new CustomEvent("renamed"));
  }

  async #enter(step) {
    this.#release?.();
    this.#id = uuid();
    await this.#own(0);
    const challenge = (await step()) ?? null;
    if (!challenge) await this.#identify();
    return challenge;
  }

  async #identify() {
    this.user = await data(api.usersMe());
    this.#tell("");
  }

  #save(refresh) {
    if (refresh === null) sessionStorage.removeItem(STORED);
    else sessionStorage.setItem(STORED, JSON.stringify({ id: this.#id, refresh }));
  }

  #over() {
    this.user = null;
    this.#release?.();
    this.#release = null;
    const reason = this.#reason;
    this.#reason = ENDED;
    this.#tell(reason);
  }

  /** Hold the session's lock for as long as this page lives. False: another tab holds it. */
  #own(patience) {
    // Without a secure context there are no locks; a copied tab then signs both out, the safe side of the mistake.
    if (!navigator.locks) return Promise.resolve(true);
    return new Promise((resolve) => {
      const options = patience ? { signal: AbortSignal.timeout(patience) } : {};
      navigator.locks
        .request(`sarsen.session.${this.#id}`, options, () => new Promise((release) => {
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
