/**
 * The messages on the screen. What lives here: drawing a timeline with as few changes as can be, scrolling, the divider
 * before what is new, the controls of one's own messages. What does not: fetching or sending them.
 */

import { focusOn, h, icon, put } from "../dom.js";
import { Standing } from "../timeline.js";
import { dayOf, fullTimeOf, isSameDay, listOf, timeOf } from "../text.js";
import { piecesOf, plainOf } from "./mentioning.js";
import { stone } from "./person.js";

const TOGETHER = 5 * 60_000; // messages of one person within this time share a heading
const NEAR = 120; // pixels from the end that count as being at the end
const ADDRESS = /\bhttps?:\/\/[^\s<>"']+[^\s<>"'.,:;!?)\]]/g;

/** A text with its web addresses as links; everything is a text node or an anchor made here. */
function linked(text) {
  const parts = [];
  let last = 0;
  for (const match of text.matchAll(ADDRESS)) {
    parts.push(text.slice(last, match.index));
    parts.push(URL.canParse(match[0]) ? h("a", { href: match[0], target: "_blank", rel: "noopener noreferrer nofollow" }, match[0]) : match[0]);
    last = match.index + match[0].length;
  }
  return [...parts, text.slice(last)];
}

/** The words of a message: names as marks, addresses as links. */
const worded = ({ text, mentions }, me) =>
  piecesOf(text, mentions).map((piece) => (typeof piece === "string" ? linked(piece) : h("span", { class: piece.user === me.id ? "named-one me" : "named-one" }, `@${piece.name}`)));

/** What a message answers; a click leads there. */
function quoted(quote, controls) {
  const words = quote.deleted ? "This message was taken back." : plainOf(quote);
  return h("button", { type: "button", class: "quote", on: { click: () => controls.goTo(quote.seq) } }, h("span", { class: "hidden" }, "In answer to "), h("strong", {}, quote.fromName || "Sarsen"), " ", words || "a file");
}

/** What decides how a message looks; the element is kept as long as this stays the same. */
function faceOf(message, before, seenBy, isFirstNew) {
  const isDayBegin = !before || !isSameDay(before.at, message.at);
  const continues = !isDayBegin && !isFirstNew && before.from === message.from && new Date(message.at) - new Date(before.at) < TOGETHER;
  return { message, isDayBegin, continues, seenBy, isFirstNew };
}

function footer({ message, seenBy }, controls) {
  const { standing, error, clientId } = message;
  if (standing === Standing.REFUSED) {
    return h(
      "p",
      { class: "foot refused" },
      `Not sent: ${error} `,
      h("button", { type: "button", class: "link", on: { click: () => controls.again(clientId) } }, "Try again"),
      " ",
      h("button", { type: "button", class: "link", on: { click: () => controls.discard(clientId) } }, "Discard"),
    );
  }
  if (standing === Standing.WAITING) return h("p", { class: "foot" }, "On its way …");
  return seenBy && h("p", { class: "foot" }, `Seen by ${seenBy}`);
}

function draw(face, { me, controls, shelf, mayModerate }) {
  const { message, isDayBegin, continues, isFirstNew } = face;
  const isMine = message.from === me.id;
  const name = isMine ? "You" : message.fromName || "Sarsen";
  const canChange = isMine && message.id && !message.deleted;
  const canRemove = (isMine || mayModerate) && message.id && !message.deleted;
  const canAnswer = message.id && !message.deleted;
  return h(
    "li",
    { class: `message${isMine ? " mine" : ""}${continues ? " continues" : ""}${message.standing ? ` ${message.standing}` : ""}` },
    isDayBegin && h("h3", { class: "day" }, dayOf(message.at)),
    isFirstNew && h("p", { class: "new-here" }, "New since you were here"),
    h(
      "div",
      { class: "line" },
      !isMine && (continues ? h("span", { class: "stone-space" }) : stone(message.from, name)),
      h(
        "div",
        { class: "bubble", tabIndex: canAnswer ? -1 : null },
        h("p", { class: continues ? "head hidden" : "head" }, h("strong", {}, name), " ", h("time", { dateTime: message.at, title: fullTimeOf(message.at) }, timeOf(message.at))),
        message.replyTo && quoted(message.replyTo, controls),
        message.deleted
          ? h("p", { class: "text gone" }, "This message was taken back.")
          : h("p", { class: "text", dir: "auto", hidden: !message.text }, worded(message, me), message.editedAt && h("small", {}, " (edited)")),
        message.attachments.length > 0 && h("div", { class: "files" }, message.attachments.map(shelf.show)),
        canAnswer &&
          h(
            "div",
            { class: "tools" },
            h("button", { type: "button", class: "tool", "aria-label": "Answer this message", on: { click: () => controls.reply(message) } }, icon("reply")),
            canChange && h("button", { type: "button", class: "tool", "aria-label": "Edit this message", on: { click: () => controls.edit(message) } }, icon("edit")),
            canRemove && h("button", { type: "button", class: "tool", "aria-label": "Delete this message", on: { click: () => controls.remove(message) } }, icon("bin")),
          ),
      ),
    ),
    footer(face, controls),
  );
}

/**
 * The log. `controls` has reply(message), edit(message), remove(message), again(clientId), discard(clientId), goTo(seq),
 * older() and seen(); `shelf` shows files.
 * Returns {element, show(items, {reads, names, first, unread}), toEnd(), point(seq), stop()}.
 */
export function messageLog({ me, roomName, mayModerate, shelf, controls }) {
  const drawn = new Map(); // key → {element, face as text}
  const list = h("ol", {});
  const start = h("p", { class: "start late" }, "Reading the conversation …");
  const olderButton = h("button", { type: "button", class: "quiet older", hidden: true, on: { click: more } }, "Earlier messages");
  const scroller = h("div", { class: "log", role: "log", "aria-live": "off", "aria-label": `Messages in ${roomName}`, tabIndex: 0 }, olderButton, start, list);
  const down = h("button", { type: "button", class: "down", hidden: true, on: { click: toEnd } }, "New messages ↓");
  let firstNew = 0;
  let isFetching = false;
  let rests = true; // at the end, as the person has left it
  let size = "";

  const sizeNow = () => `${scroller.clientWidth} ${scroller.clientHeight}`;
  const isAtEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR;

  function toEnd() {
    scroller.scrollTop = scroller.scrollHeight;
    settle();
  }

  function settle() {
    if (!isAtEnd() || !scroller.clientHeight) return; // what something else covers is seen by nobody
    down.hidden = true;
    if (document.visibilityState === "visible") controls.seen();
  }

  async function more() {
    if (isFetching || olderButton.hidden) return;
    isFetching = true;
    scroller.setAttribute("aria-busy", "true");
    const fromEnd = scroller.scrollHeight - scroller.scrollTop;
    try {
      await controls.older();
      scroller.scrollTop = scroller.scrollHeight - fromEnd;
    } finally {
      isFetching = false;
      scroller.removeAttribute("aria-busy");
    }
  }

  scroller.addEventListener("scroll", () => {
    // Of another size it was scrolled by the browser, and not by the person.
    if (sizeNow() === size) rests = isAtEnd();
    settle();
    if (scroller.scrollTop < 40 && scroller.scrollHeight > scroller.clientHeight) more();
  }, { passive: true });

  function show(items, { reads, names, hasOlder, first = false, newAfter = null, added = false }) {
    const wasAtEnd = first || rests;
    if (newAfter !== null) firstNew = items.find((item) => item.seq > newAfter && item.from !== me.id)?.seq ?? 0;
    const lastMine = items.findLast((item) => item.from === me.id && item.seq)?.seq;
    const seen = [...reads].filter(([user, seq]) => user !== me.id && seq >= lastMine).map(([user]) => names.get(user)).filter(Boolean);
    const keys = new Set();
    let before = null;
    let place = list.firstChild;
    for (const message of items) {
      const key = message.clientId ?? message.seq;
      const face = faceOf(message, before, message.seq && message.seq === lastMine ? listOf(seen) : "", Boolean(firstNew) && message.seq === firstNew);
      const look = JSON.stringify(face);
      let found = drawn.get(key);
      if (found?.look !== look) {
        const element = draw(face, { me, controls, shelf, mayModerate });
        element.dataset.seq = message.seq ?? "";
        if (found) {
          if (place === found.element) place = element;
          found.element.replaceWith(element);
        }
        found = { element, look };
        drawn.set(key, found);
      }
      if (found.element === place) place = place.nextSibling;
      else list.insertBefore(found.element, place);
      keys.add(key);
      before = message;
    }
    for (const [key, { element }] of drawn) {
      if (keys.has(key)) continue;
      element.remove();
      drawn.delete(key);
    }
    olderButton.hidden = !hasOlder;
    if (first) {
      start.textContent = "This is where the conversation begins.";
      start.classList.remove("late");
    }
    start.hidden = hasOlder;
    if (wasAtEnd) toEnd();
    else if (added) down.hidden = false;
  }

  /** Bring a message into view and show which one it is. */
  function point(seq) {
    const element = list.querySelector(`[data-seq="${seq}"]`);
    if (!element) return;
    element.scrollIntoView({ block: "center" });
    element.classList.remove("pointed");
    requestAnimationFrame(() => element.classList.add("pointed"));
    focusOn(element);
  }

  // What was at the end stays there when the keyboard of a phone, a longer draft or a banner takes some of the room.
  const resized = new ResizeObserver(() => {
    size = sizeNow();
    if (rests) toEnd();
  });
  resized.observe(scroller);

  document.addEventListener("visibilitychange", settle);
  return {
    element: put(h("div", { class: "log-frame" }), scroller, down),
    show,
    toEnd,
    point,
    stop: () => {
      resized.disconnect();
      document.removeEventListener("visibilitychange", settle);
    },
  };
}
