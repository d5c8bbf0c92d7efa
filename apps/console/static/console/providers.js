/**
 * Providers outside that people sign in with. What lives here: which there are, leaving for one, and taking what it sent
 * the browser back with out of the address. What does not: what a person sees of it (views/providers.js).
 *
 * What the browser leaves with is kept in the sessionStorage of its tab. A return that was not begun there, as by a link
 * that somebody else has made, finds nothing that goes with it and is refused.
 */

import { api, data, isFailure, open } from "./api.js";

const KEPT = "sarsen.provider"; // {name, title, aim, flow, state, until}
const FOREIGN = "This sign-in was not begun in this tab, or has come back already. Begin again.";
const LATE = "That took too long. Begin again.";
// What a provider says instead of a code (RFC 6749, section 4.1.2.1). Its own words could be anybody's: they are not shown.
const REFUSALS = new Map([
  ["access_denied", (title) => `${title} was told not to let you in.`],
  ["server_error", (title) => `${title} cannot let anybody in just now. Try again later.`],
  ["temporarily_unavailable", (title) => `${title} cannot let anybody in just now. Try again later.`],
]);
const OTHERWISE = (title) => `${title} did not let you in. Begin again.`;

let asked = null;

/** All of them, as {name, title}. Asked for once a page; none while the server does not answer. */
export async function providers() {
  asked ??= data(open.authOidc());
  try {
    return (await asked).providers;
  } catch (error) {
    if (!isFailure(error)) throw error;
    asked = null;
    return [];
  }
}

/** Send the browser to a provider, to "enter" or to "link" it to one's account. Rejects with ProblemError or NetworkError. */
export async function leaveFor({ name, title }, aim) {
  const start = aim === "link" ? api.usersMeIdentitiesStart : open.authOidcStart;
  const { authorization_url: url, flow, expires_in: seconds } = await data(start({ path: { provider: name } }));
  const state = new URL(url).searchParams.get("state");
  sessionStorage.setItem(KEPT, JSON.stringify({ name, title, aim, flow, state, until: Date.now() + seconds * 1000 }));
  location.assign(url);
}

/**
 * What a provider sent this page back with, or null: {aim, title, name, body} to go on with, {aim, refusal} in words else.
 * It is good once, and gone from the address and its history when this returns.
 */
export function takeReturn() {
  const said = new URLSearchParams(location.search);
  if (!said.has("oidc")) return null;
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  sessionStorage.removeItem(KEPT);
  const { name, title, aim = "enter", flow, state, until } = kept ?? {};
  history.replaceState(null, "", location.pathname + (aim === "link" ? "#/account" : ""));
  if (!kept || name !== said.get("oidc") || state !== said.get("state")) return { aim, refusal: FOREIGN };
  if (Date.now() > until) return { aim, refusal: LATE };
  if (said.has("error")) return { aim, refusal: (REFUSALS.get(said.get("error")) ?? OTHERWISE)(title) };
  return { aim, title, name, body: { flow, state, code: said.get("code") ?? "", iss: said.get("iss") ?? "" } };
}
