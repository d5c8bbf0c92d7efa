/** Announces messages of others to screen readers: their text alone, without the controls around it. */

import { announce } from "../../../console/dom.js";
import { senderOf } from "./log.js";
import { plainOf } from "./mentions.js";

const TOGETHER = 300; // milliseconds; messages that arrive within this time are announced together
const MAX_ANNOUNCED = 3; // messages; more are only counted

/** A function that takes the detail of the conversation's event `messages`. */
export function messageAnnouncer(me) {
  const pending = [];

  function announceNow() {
    const all = pending.splice(0);
    announce(all.length > MAX_ANNOUNCED ? `${all.length} new messages.` : all.map((message) => `${senderOf(message)}: ${plainOf(message) || "a file"}`).join(" "));
  }

  return ({ changed = [], added = false }) => {
    if (!added) return;
    const others = changed.filter((message) => message.from !== me.id && message.seq);
    if (!pending.length && others.length) setTimeout(announceNow, TOGETHER);
    pending.push(...others);
  };
}
