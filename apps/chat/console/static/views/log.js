/**
 * The messages on the screen: drawing a timeline with as few changes as possible, scrolling, the marker before what is
 * new, the controls of a message.
 */

import { avatar } from "../../../console/avatar.js";
import { focusOn, h, icon, put } from "../../../console/dom.js";
import { product } from "../../../console/registry.js";
import { dayOf, fullTimeOf, isSameDay, listOf, timeOf } from "../../../console/text.js";
import { Standing } from "../timeline.js";
import { piecesOf, plainOf } from "./mentions.js";

const TOGETHER = 5 * 60_000; // messages of one sender within this time share a heading
const NEAR = 120; // pixels from the end that count as the end
const URL_PATTERN = /\bhttps?:\/\/[^\s<>"']+[^\s<>"'.,:;!?)\]]/g;
const DELETED = "This message was deleted.";

/** System messages have no sender. */
const isSystem = (message) => message.from === null;

export const senderOf = (message) => (isSystem(message) ? `${product} (system message)` : message.fromName);

/** A text with its web addresses as links. Everything is a text node or an anchor made here. */
function linked(text) {
  const parts = [];
  let last = 0;
  for (const match of text.matchAll(URL_PATTERN)) {
    parts.push(text.slice(last, match.index));
    parts.push(URL.canParse(match[0]) ? h("a", { href: match[0], target: "_blank", rel: "noopener noreferrer nofollow" }, match[0]) : match[0]);
    last = match.index + match[0].length;
  }
  return [...parts, text.slice(last)];
}

/** The text of a message, with mentions as marks and web addresses as links. */
const textOf = ({ text, mentions }, me) =>
  piecesOf(text, mentions).map((piece) => (typeof piece === "string" ? linked(piece) : h("span", { class: piece.user === me.id ? "mention me" : "mention" }, `@${piece.name}`)));

/** The quote of the message that a reply is about. A click leads to that message. */
function quoteOf(quote, controls) {
  const words = quote.deleted ? DELETED : plainOf(quote);
  return h("button", { type: "button", class: "quote", on: { click: () => controls.goTo(quote.seq) } }, h("span", { class: "hidden" }, "In reply to "), h("strong", {}, senderOf(quote)), " ", words || "a file");
}

/** All that decides how a message looks. Its element is kept while this stays the same. */
function lookOf(message, before, seenBy, isFirstNew) {
  const startsDay = !before || !isSameDay(before.at, message.at);
  const continues = !startsDay && !isFirstNew && before.from === message.from && new Date(message.at) - new Date(before.at) < TOGETHER;
  return { message, startsDay, continues, seenBy, isFirstNew };
}

const linkButton = (words, click) => h("button", { type: "button", class: "link", on: { click } }, words);

function footer({ message, seenBy }, controls) {
  const { standing, error, isLate, clientId } = message;
  const discard = () => linkButton("Discard", () => controls.discard(clientId));
  if (standing === Standing.REFUSED) return h("p", { class: "foot refused" }, `Not sent: ${error} `, linkButton("Try again", () => controls.retry(clientId)), " ", discard());
  if (standing === Standing.WAITING) return h("p", { class: "foot" }, isLate ? ["Not confirmed yet. It is sent again when possible. ", discard()] : "Sending …");
  return seenBy && h("p", { class: "foot" }, `Seen by ${seenBy}`);
}

function tools(message, { isOwn, mayModerate, controls }) {
  const tool = (label, name, act) => h("button", { type: "button", class: "tool", "aria-label": label, on: { click: () => act(message) } }, icon(name));
  return h(
    "div",
    { class: "tools" },
    tool("Reply to this message", "reply", controls.reply),
    isOwn && tool("Edit this message", "edit", controls.edit),
    (isOwn || mayModerate) && tool("Delete this message", "bin", controls.remove),
  );
}

function draw(look, { me, controls, attachments, mayModerate }) {
  const { message, startsDay, continues, isFirstNew } = look;
  const isOwn = message.from === me.id;
  const name = isOwn ? "You" : senderOf(message);
  const isChangeable = message.id && !message.deleted;
  const classes = ["message", isOwn && "own", isSystem(message) && "system", continues && "continues", message.standing];
  return h(
    "li",
    { class: classes.filter(Boolean).join(" ") },
    startsDay && h("h3", { class: "day" }, dayOf(message.at)),
    isFirstNew && h("p", { class: "new-marker" }, "New"),
    h(
      "div",
      { class: "message-row" },
      !isOwn && !isSystem(message) && (continues ? h("span", { class: "avatar-space" }) : avatar(message.from, name)),
      h(
        "div",
        { class: "bubble", tabIndex: isChangeable ? -1 : null },
        h("p", { class: continues ? "head hidden" : "head" }, h("strong", {}, name), " ", h("time", { dateTime: message.at, title: fullTimeOf(message.at) }, timeOf(message.at))),
        message.replyTo && quoteOf(message.replyTo, controls),
        message.deleted
          ? h("p", { class: "text deleted" }, DELETED)
          : h("p", { class: "text", dir: "auto", hidden: !message.text }, textOf(message, me), message.editedAt && h("small", {}, " (edited)")),
        message.attachments.length > 0 && h("div", { class: "files" }, message.attachments.map(attachments.show)),
        isChangeable && tools(message, { isOwn, mayModerate, controls }),
      ),
    ),
    footer(look, controls),
  );
}

/**
 * The log. `controls` has reply(message), edit(message), remove(message), retry(clientId), discard(clientId), goTo(seq),
 * older() and seen(); `attachments` shows files.
 * Returns {element, show(items, {reads, names, hasOlder, first, newAfter, added}), toEnd(), point(seq), stop()}.
 */
export function messageLog({ me, roomName, mayModerate, attachments, controls }) {
  const drawn = new Map(); // key → {element, look as text}
  const list = h("ol", {});
  const start = h("p", { class: "start delayed" }, "Loading the messages …");
  const olderButton = h("button", { type: "button", class: "quiet older", hidden: true, on: { click: loadOlder } }, "Earlier messages");
  const scroller = h("div", { class: "log", role: "log", "aria-live": "off", "aria-label": `Messages in ${roomName}`, tabIndex: 0 }, olderButton, start, list);
  const jump = h("button", { type: "button", class: "jump", hidden: true, on: { click: toEnd } }, "New messages ↓");
  let firstNew = 0;
  let isLoading = false;
  let staysAtEnd = true; // the user has scrolled to the end
  let size = "";

  const sizeNow = () => `${scroller.clientWidth} ${scroller.clientHeight}`;
  const isAtEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR;

  function toEnd() {
    scroller.scrollTop = scroller.scrollHeight;
    markSeen();
  }

  function markSeen() {
    if (!isAtEnd() || !scroller.clientHeight) return; // a log that is covered is not seen
    jump.hidden = true;
    if (document.visibilityState === "visible") controls.seen();
  }

  async function loadOlder() {
    if (isLoading || olderButton.hidden) return;
    isLoading = true;
    scroller.setAttribute("aria-busy", "true");
    const fromEnd = scroller.scrollHeight - scroller.scrollTop;
    try {
      await controls.older();
      scroller.scrollTop = scroller.scrollHeight - fromEnd;
    } finally {
      isLoading = false;
      scroller.removeAttribute("aria-busy");
    }
  }

  scroller.addEventListener("scroll", () => {
    // After a change of size it was the browser that scrolled, not the user.
    if (sizeNow() === size) staysAtEnd = isAtEnd();
    markSeen();
    if (scroller.scrollTop < 40 && scroller.scrollHeight > scroller.clientHeight) loadOlder();
  }, { passive: true });

  /** Draw one message before the element `next`, reusing its element if it looks the same. Returns its key and the element after it. */
  function drawAt(message, look, next) {
    const key = message.clientId ?? message.seq;
    const text = JSON.stringify(look);
    let found = drawn.get(key);
    if (found?.look !== text) {
      const element = draw(look, { me, controls, attachments, mayModerate });
      element.dataset.seq = message.seq ?? "";
      if (found) {
        if (next === found.element) next = element;
        found.element.replaceWith(element);
      }
      found = { element, look: text };
      drawn.set(key, found);
    }
    if (found.element === next) return [key, next.nextSibling];
    list.insertBefore(found.element, next);
    return [key, next];
  }

  function show(items, { reads, names, hasOlder, first = false, newAfter = null, added = false }) {
    const wasAtEnd = first || staysAtEnd;
    if (newAfter !== null) firstNew = items.find((item) => item.seq > newAfter && item.from !== me.id)?.seq ?? 0;
    const lastOwn = items.findLast((item) => item.from === me.id && item.seq)?.seq;
    const seenBy = [...reads].filter(([user, seq]) => user !== me.id && seq >= lastOwn).map(([user]) => names.get(user)).filter(Boolean);
    const keys = new Set();
    let before = null;
    let next = list.firstChild;
    for (const message of items) {
      const look = lookOf(message, before, message.seq && message.seq === lastOwn ? listOf(seenBy) : "", Boolean(firstNew) && message.seq === firstNew);
      let key;
      [key, next] = drawAt(message, look, next);
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
      start.textContent = "This is the beginning of the conversation.";
      start.classList.remove("delayed");
    }
    start.hidden = hasOlder;
    if (wasAtEnd) toEnd();
    else if (added) jump.hidden = false;
  }

  /** Scroll a message into view and highlight it. */
  function point(seq) {
    const element = list.querySelector(`[data-seq="${seq}"]`);
    if (!element) return;
    element.scrollIntoView({ block: "center" });
    element.classList.remove("highlighted");
    requestAnimationFrame(() => element.classList.add("highlighted"));
    focusOn(element);
  }

  // The end stays in view when the log becomes smaller: the keyboard of a phone, a longer draft, a banner.
  const resized = new ResizeObserver(() => {
    size = sizeNow();
    if (staysAtEnd) toEnd();
  });
  resized.observe(scroller);

  document.addEventListener("visibilitychange", markSeen);
  return {
    element: put(h("div", { class: "log-frame" }), scroller, jump),
    show,
    toEnd,
    point,
    stop: () => {
      resized.disconnect();
      document.removeEventListener("visibilitychange", markSeen);
    },
  };
}
