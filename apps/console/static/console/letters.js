/**
 * The links of mails. What lives here: taking their token out of the address, and the calls that it is good for.
 * What does not: what a person sees of it (views/letter.js).
 */

import { data, open } from "./api.js";

const LINK = /^#(verify-email|confirm-email|reset-password)=(.+)$/;

/**
 * The link that this page was opened by, as {action, token}, or null. A token must be seen by nobody who reads the
 * address bar or the history later, so it is gone from both when this returns; it lives on in the caller's memory.
 */
export function takeLink() {
  const [, action, token] = LINK.exec(location.hash) ?? [];
  if (!action) return null;
  history.replaceState(null, "", location.pathname + location.search);
  return { action, token };
}

/** Prove that an address is one's own. Rejects with ProblemError or NetworkError, as all of these. */
export const verifyEmail = (token) => open.authEmailVerify({ body: { token } });

/** Agree to a change of address. Resolves to {completed}: whether the other address has agreed as well. */
export const confirmEmail = (token) => data(open.authEmailChangeConfirm({ body: { token } }));

/** Have a link sent that sets a new password. Resolves alike for every address. */
export const askForNewPassword = (email) => open.authPasswordReset({ body: { email } });

/** Set a new password; every session of the account ends by it. */
export const setPassword = (token, password) => open.authPasswordResetConfirm({ body: { token, password } });
