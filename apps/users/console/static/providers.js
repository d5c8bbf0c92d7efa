/**
 * Sign-in providers: which there are, sending the browser to one, and taking the answer out of the address when it
 * comes back.
 *
 * What the browser leaves with is kept in the sessionStorage of its tab. An answer to a request that this tab did not
 * make, such as a link that an attacker made, is refused.
 */

import { api, data, isFailure, open } from "../../console/api.js";

const STORAGE_KEY = "console.provider"; // {name, title, purpose, flow, state, until}
const UNKNOWN = "This sign-in was not started in this tab, or was already used. Start again.";
const LATE = "The sign-in took too long. Start again.";
// Texts for the error codes of RFC 6749, section 4.1.2.1. The description that comes with a code may be forged: it is not shown.
const ERRORS = new Map([
  ["access_denied", (title) => `${title} denied access.`],
  ["server_error", (title) => `${title} is unavailable. Try again later.`],
  ["temporarily_unavailable", (title) => `${title} is unavailable. Try again later.`],
]);
const OTHER_ERROR = (title) => `${title} did not sign you in. Start again.`;

let request = null;

/** The providers as {name, title}. They are requested once a page; none while the server does not respond. */
export async function providers() {
  request ??= data(open.authOidc());
  try {
    return (await request).providers;
  } catch (error) {
    if (!isFailure(error)) throw error;
    request = null;
    return [];
  }
}

/** Send the browser to a provider, for "sign-in" or to "link" it to the account. Rejects with ProblemError or NetworkError. */
export async function goToProvider({ name, title }, purpose) {
  const start = purpose === "link" ? api.usersMeIdentitiesStart : open.authOidcStart;
  const { authorization_url: url, flow, expires_in: seconds } = await data(start({ path: { provider: name } }));
  const state = new URL(url).searchParams.get("state");
  sessionStorage.setItem(STORAGE_KEY, JSON.stringify({ name, title, purpose, flow, state, until: Date.now() + seconds * 1000 }));
  location.assign(url);
}

/**
 * Take the answer of a provider out of the address: {purpose, title, name, body} to go on with, {purpose, failure} with a
 * text, or null. It is removed from the address and the history.
 */
export function takeReturn() {
  const answer = new URLSearchParams(location.search);
  if (!answer.has("oidc")) return null;
  const kept = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "null");
  sessionStorage.removeItem(STORAGE_KEY);
  const { name, title, purpose = "sign-in", flow, state, until } = kept ?? {};
  history.replaceState(null, "", location.pathname + (purpose === "link" ? "#/account" : ""));
  if (!kept || name !== answer.get("oidc") || state !== answer.get("state")) return { purpose, failure: UNKNOWN };
  if (Date.now() > until) return { purpose, failure: LATE };
  if (answer.has("error")) return { purpose, failure: (ERRORS.get(answer.get("error")) ?? OTHER_ERROR)(title) };
  return { purpose, title, name, body: { flow, state, code: answer.get("code") ?? "", iss: answer.get("iss") ?? "" } };
}
