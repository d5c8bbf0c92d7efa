/**
 * The user's messages that are not acknowledged yet, kept over a reload of the page. They are in sessionStorage, as the
 * session is, and are forgotten when the user signs out.
 */

const PREFIX = "console.unsent.";

/** The outbox of one user in one room: `keep(messages)` and `kept()`. */
export function outbox(userId, slug) {
  const key = `${PREFIX}${userId}.${slug}`;
  return {
    keep(messages) {
      if (messages.length) sessionStorage.setItem(key, JSON.stringify(messages));
      else sessionStorage.removeItem(key);
    },
    kept: () => JSON.parse(sessionStorage.getItem(key) ?? "[]"),
  };
}

/** Delete all outboxes. */
export function forgetOutboxes() {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
}
