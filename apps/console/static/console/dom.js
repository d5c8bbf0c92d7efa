/**
 * Elements from function calls: building and replacing them, icons, announcements to screen readers. Nothing in the
 * console parses markup, so the text of a message can never become an element.
 */

/**
 * Create an element with properties and children.
 *
 * Keys of `props`: `class`, `dataset` (an object), `on` (event name → listener), `aria-…`, `role` and other attributes
 * with a dash as attributes; the rest as properties if the element has them, else as attributes. Strings among the
 * children become text nodes; null and false are skipped.
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined) continue;
    if (name === "class") element.className = value;
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name in element && !name.includes("-")) element[name] = value;
    else if (value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  return put(element, ...children);
}

/** Append children, strings as text; null and false are skipped. */
export function put(element, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

/** Replace all children of an element. */
export function fill(element, ...children) {
  element.replaceChildren();
  return put(element, ...children);
}

const SVG = "http://www.w3.org/2000/svg";

/** Paths of icons on a grid of 20 × 20, drawn as strokes. */
const DRAWINGS = {
  send: "M3 10 17 3l-4 14-3-6zM10 11l7-8",
  edit: "M4 16l1-4 8-8 3 3-8 8zM11 6l3 3",
  bin: "M4 6h12M8 6V4h4v2M6 6l1 10h6l1-10",
  back: "M12 4l-6 6 6 6",
  lock: "M5 9h10v7H5zM7 9V7a3 3 0 0 1 6 0v2",
  members: "M7 9a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM2.5 16c0-3 2-5 4.500-5s4.500 2 4.500 5M13 4.200a2.500 2.500 0 0 1 0 4.600M14 11.200c2 .5 3.500 2.300 3.500 4.800",
  sun: "M10 13.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM10 1.500v2M10 16.500v2M1.500 10h2M16.500 10h2M4 4l1.400 1.400M14.600 14.600 16 16M4 16l1.400-1.400M14.600 5.400 16 4",
  moon: "M16.500 12A7 7 0 0 1 8 3.500a7 7 0 1 0 8.500 8.500z",
  plus: "M10 4v12M4 10h12",
  leave: "M5 17V3h8v14M3 17h14M10.500 10v.5",
  reply: "M8 5 3 10l5 5M3 10h8c3.500 0 6 2 6 6",
  clip: "M13.500 6.500l-6 6a1.800 1.800 0 0 0 2.500 2.500l6.500-6.500a3.500 3.500 0 0 0-5-5l-6.500 6.500a5.200 5.200 0 0 0 7.500 7.300l5-5",
  file: "M6 3h6l3 3v11H6zM12 3v3h3",
  close: "M5.500 5.500l9 9M14.500 5.500l-9 9",
  search: "M9 14.500a5.500 5.500 0 1 0 0-11 5.500 5.500 0 0 0 0 11zM13 13l4.500 4.500",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  retry: "M15.500 6.500A6.500 6.500 0 1 0 16.500 11M16 3v4h-4",
};

/** A decorative icon. The control around it has the accessible name. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", DRAWINGS[name]);
  svg.append(path);
  return svg;
}

/** Whether a key belongs to an input method that composes a word. For the Enter that ends a word Safari sets the key code alone. */
export const isComposing = (event) => event.isComposing || event.keyCode === 229;

/** Make Esc close a <details> and focus its summary. */
export function closesOnEscape(details) {
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !details.open || isComposing(event)) return;
    event.stopPropagation();
    details.open = false;
    details.querySelector("summary").focus();
  });
  return details;
}

const pending = [];

/** Announce a text to screen readers. The focus stays where it is. */
export function announce(text) {
  pending.push(text);
  if (pending.length > 1) return;
  const announcer = document.getElementById("announcer");
  announcer.textContent = "";
  // Two changes in one frame are not announced.
  setTimeout(() => { announcer.textContent = pending.splice(0).join(" "); }, 50);
}

/** Focus an element that is not a control, such as the heading of a page that was just opened. */
export function focusOn(element) {
  if (!element.hasAttribute("tabindex")) element.tabIndex = -1;
  element.focus({ preventScroll: false });
}
