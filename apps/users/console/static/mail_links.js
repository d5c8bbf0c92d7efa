/** The links in mails: taking them out of the address, and the calls that their tokens allow. */

import { data, open } from "../../console/api.js";

const LINK = /^#(verify-email|confirm-email|reset-password)=(.+)$/;

/**
 * Take the link that opened this page out of the address, as {action, token}, or null. The token must not be readable
 * in the address bar or in the history, so it is removed from both.
 */
export function takeLink() {
  const [, action, token] = LINK.exec(location.hash) ?? [];
  if (!action) return null;
  history.replaceState(null, "", location.pathname + location.search);
  return { action, token };
}

/** Verify an address. Rejects with ProblemError or NetworkError, as all functions here. */
export const verifyEmail = (token) => open.authEmailVerify({ body: { token } });

/** Confirm a change of address. Resolves to {completed}: whether the other address has confirmed as well. */
export const confirmEmail = (token) => data(open.authEmailChangeConfirm({ body: { token } }));

/** Request a mail with a link that sets a new password. Resolves alike for every address. */
export const requestPasswordReset = (email) => open.authPasswordReset({ body: { email } });

/** Set a new password, which ends every session of the account. */
export const resetPassword = (token, password) => open.authPasswordResetConfirm({ body: { token, password } });
