/**
 * The API as the console calls it: the generated client, requests outside of the zones (health, the index of zones), and
 * the text for a failed call. Who is signed in is not known here.
 *
 * Calls are named after their operation and resolve to the decoded answer:
 *
 *     const room = await data(api.chatRoomsRead({ path: { slug: "lobby" } }));
 *
 * The client holds what the installed slices offer. It is imported as a whole, so that a missing name is undefined
 * instead of an error that stops every module.
 */

import * as client from "./client/browser/index.js";

export { client };
export const { connect, NetworkError, paginate, ProblemError } = client;
export const api = client.privateZone;
export const open = client.publicZone;

const TIMEOUT = 20_000; // milliseconds

if (open) connect(open.client);

/** The decoded answer of a call. */
export const data = async (call) => (await call).data;

/** Whether an error is a refused or unanswered call, and not a fault of this page. */
export const isFailure = (error) => error instanceof ProblemError || error instanceof NetworkError;

/** The text for a failed call. Throws any other error. */
export function messageFor(error) {
  if (error instanceof NetworkError) return "The server does not respond. The console keeps trying.";
  if (!(error instanceof ProblemError)) throw error;
  const details = error.errors.map(({ detail }) => detail).filter(Boolean);
  return details.length ? [...new Set(details)].join(" ") : error.message;
}

/**
 * Get JSON from a path outside of the zones. Statuses in `accept` count as answers although they are not 2xx: a health
 * report may come with 503. Rejects with ProblemError or NetworkError.
 */
export async function getJson(path, { accept = [] } = {}) {
  let response;
  try {
    response = await fetch(path, {
      headers: { Accept: "application/json" },
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT),
    });
  } catch (error) {
    throw new NetworkError(error);
  }
  if (!response.ok && !accept.includes(response.status)) throw await ProblemError.of(response);
  try {
    return await response.json();
  } catch (error) {
    throw new NetworkError(error);
  }
}
