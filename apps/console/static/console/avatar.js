/** Avatars: initials on a shape and a color that follow from an id. */

import { h } from "./dom.js";
import { initialsOf, numberOf } from "./text.js";

const SHAPES = 5;

/** The avatar of a user or a room. It is decorative: the name has to stand beside it. */
export function avatar(id, name) {
  const number = numberOf(id ?? name);
  const element = h("span", { class: `avatar shape-${number % SHAPES}`, "aria-hidden": "true" }, initialsOf(name));
  element.style.setProperty("--hue", String(number % 360));
  return element;
}
