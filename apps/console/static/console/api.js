/**
 * The API as this page calls it. What lives here: the generated client of the public and the private zone, what is asked
 * outside of the zones (health, their index), and the words of a failure. What does not: who is signed in (session.js).
 *
 * Calls are named after their operation and resolve to the decoded answer:
 *
 *     const room = await data(api.chatRoomsRead({ path: { slug: "lobby" } }));
 */

import { connect, NetworkError, privateZone, ProblemError, publicZone } from "./client/browser/index.js";

export { ChatSocket, connect, NetworkError, NotificationsSocket, paginate, ProblemError, Session } from "./client/browser/index.js";
export { privateZone as api, publicZone as open };

const PATIENCE = 20_000; // milliseconds before a call counts as lost

connect(publicZone.client);

/** What a call answered. */
export const data = async (call) => (await call).data;

/** Is this a refusal or a missing answer, and no fault of this page? */
export const isFailure = (error) => error instanceof ProblemError || error instanceof NetworkError;

/** What to tell a person about a failed call. Throws on what is no failure of a call. */
export function wordsOf(error) {
  if (error instanceof NetworkError) return "The server does not answer. The console keeps trying.";
  if (!(error instanceof ProblemError)) throw error;
  const fields = error.errors.map(({ detail }) => detail).filter(Boolean);
  return fields.length ? [...new Set(fields)].join(" ") : error.message;
}

/**
 * The JSON at a path of this site that belongs to no zone. Statuses in `accept` are answers although they are not 2xx (a
 * health report comes with 503). Rejects with ProblemError or NetworkError.
 */
export async function look(path, { accept = [] } = {}) {
  let response;
  try {
    response = await fetch(path, {
      headers: { Accept: "application/json" },
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE),
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
