/** People as stones: each has a shape and a shade of their own, from their id. */

import { h } from "../dom.js";
import { initialsOf, numberOf } from "../text.js";

const SHAPES = 5;

/** A decorative stone with initials; the name stands beside it. */
export function stone(id, name) {
  const number = numberOf(id ?? name);
  const element = h("span", { class: `stone shape-${number % SHAPES}`, "aria-hidden": "true" }, initialsOf(name));
  element.style.setProperty("--hue", String(number % 360));
  return element;
}
