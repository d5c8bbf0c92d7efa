/**
 * Messages on their way, kept over a reload of the page. In this tab only, like the session: they are words of whoever
 * is signed in here, and signing out forgets them.
 */

const PREFIX = "sarsen.unsent.";

/** A drawer for one person's messages in one room: `keep(messages)` and `kept()`. */
export function drawer(userId, slug) {
  const key = `${PREFIX}${userId}.${slug}`;
  return {
    keep(messages) {
      if (messages.length) sessionStorage.setItem(key, JSON.stringify(messages));
      else sessionStorage.removeItem(key);
    },
    kept: () => JSON.parse(sessionStorage.getItem(key) ?? "[]"),
  };
}

/** Forget everything that is kept. */
export function forgetUnsent() {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
}
