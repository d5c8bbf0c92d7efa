/**
 * What slices bring to the console, and how their pages hear of each other.
 *
 * A slice's module registers pages, cards and the session here when it is loaded. It may import the modules of the
 * console and those of slices that it depends on. Everything else is a signal:
 *
 * | signal            | detail                | sent                                                               |
 * | ----------------- | --------------------- | ------------------------------------------------------------------ |
 * | `start`           |                       | once, when every module is loaded                                  |
 * | `signed-in`       | `{isResumed}`         | `session.user` is set; `isResumed` after a reload                  |
 * | `signing-out`     |                       | the user has chosen to sign out; `session.user` is still set       |
 * | `signed-out`      | `{reason}`            | `session.user` is null; `reason` is a sentence, or empty by choice |
 * | `profile-changed` |                       | `session.user` has another name or picture                         |
 * | `notified`        | `{title, data, …}`    | a notification that the user has not seen yet                     |
 * | `revised`         | `{id, title, …}`      | a notification has changed                                        |
 * | `retracted`       | ids                   | ids of removed ones                                               |
 * | `pushed`          | `{name, data}`        | a slice or a service has pushed an event to the user               |
 * | `seen`            | `{key, covers(data)}` | the user has seen the events whose `data` is covered               |
 * | `shown`           |                       | another page is shown                                              |
 * | `counted`         |                       | a number of `count` has changed                                    |
 */

const signals = new EventTarget();

/** Call `listener(detail)` at each signal with this name. Returns a function that stops it. */
export function on(name, listener) {
  const heard = ({ detail }) => listener(detail);
  signals.addEventListener(name, heard);
  return () => signals.removeEventListener(name, heard);
}

/** Send a signal. */
export function emit(name, detail = {}) {
  signals.dispatchEvent(new CustomEvent(name, { detail }));
}

/**
 * Who is signed in: `user` is null without a session, `tokens` is the client's Session, and `isPending` is true while a
 * session is being resumed after a reload.
 */
export let session = { user: null, tokens: null, isPending: false };

/** Take the session from the slice that has accounts. */
export function provideSession(provided) {
  session = provided;
}

export const pages = new Map(); // first part of the address after # → page

/**
 * Add a page, shown to a signed-in user only, at `#/<name>`. Members of `page`:
 *
 * - `open(rest)` returns the view: `{element, heading, title}`, and optionally `focus()` and `stop()`. `rest` holds the
 *   parts of the address after the name. It is called again when the address changes within the page.
 * - `close()` is called when another page is shown (optional).
 * - `link` is the entry in the header, `{label, order}` (optional).
 * - `landing()` resolves to the address that a user who has just signed in is led to, or to null (optional).
 * - `fillsWindow`: the page scrolls inside of itself and has no footer (optional).
 */
export function addPage(name, page) {
  pages.set(name, page);
}

/** The pages with an entry in the header, as `[name, page]`, in order. */
export const linkedPages = () => [...pages].filter(([, page]) => page.link).sort(([, one], [, other]) => one.link.order - other.link.order);

export const cards = []; // functions that return an element for Home, or null
export const headerParts = []; // functions that return elements for the end of the header, or null
export const arrivals = []; // functions that take something out of the address

/** Show what `draw()` returns on Home, beside the status. It is called each time that Home is shown. */
export const addCard = (draw) => cards.push(draw);

/** Show what `draw(page)` returns at the end of the header. `page` is the name of the page that is shown. */
export const addHeaderPart = (draw) => headerParts.push(draw);

/**
 * Have `take()` look at the address when it changes, before a page is chosen. It returns null, or a function that
 * returns `{card, heading, title}`: a card that Home shows until the address changes again.
 */
export const addArrival = (take) => arrivals.push(take);

const badges = new Map();
const titleCounts = new Map();

/** Set the number beside a page's entry in the header, and the page's share of the number in the window's title. */
export function count(name, { badge, title }) {
  if (badge !== undefined) badges.set(name, badge);
  if (title !== undefined) titleCounts.set(name, title);
  emit("counted");
}

export const badgeOf = (name) => badges.get(name) ?? 0;
export const titleCount = () => [...titleCounts.values()].reduce((sum, number) => sum + number, 0);

/** What the server gives this page for a slice, by the slice's label; undefined without it. */
export const serverData = (label) => JSON.parse(document.querySelector("meta[name=console-data]").content)[label];

/** The product's name. */
export const product = document.querySelector("meta[name=application-name]").content;
