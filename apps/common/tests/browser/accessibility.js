/**
 * An accessibility check of the current page: the body of a function that returns a list of sentences, one for
 * each fault. It covers the parts of WCAG 2.2 AA that can be checked automatically: names and labels (1.1.1, 1.3.1, 4.1.2), contrast of
 * text (1.4.3) and of controls' edges (1.4.11), target size (2.5.8), landmarks, headings, language, references.
 */
const faults = [];
const fault = (rule, element, more = "") => faults.push(`${rule}: <${element.tagName.toLowerCase()} class="${element.className}"> ${(element.textContent ?? "").trim().slice(0, 40)} ${more}`.trim());
const isShown = (element) => element.checkVisibility({ checkOpacity: false, checkVisibilityCSS: true }) && !element.closest(".hidden, [aria-hidden=true], template, noscript");
const all = (selector) => [...document.querySelectorAll(selector)].filter(isShown);

// Names
function nameOf(element) {
  const by = element.getAttribute("aria-labelledby");
  if (by) return by.split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim();
  if (element.getAttribute("aria-label")) return element.getAttribute("aria-label").trim();
  if (element.labels?.length) return [...element.labels].map((label) => label.textContent).join(" ").trim();
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName)) return "";
  const parts = [...element.childNodes].map((child) => {
    if (child.nodeType === Node.TEXT_NODE) return child.data;
    if (child.nodeType !== Node.ELEMENT_NODE || child.getAttribute("aria-hidden") === "true") return "";
    return child.tagName === "IMG" ? child.alt : nameOf(child);
  });
  return parts.join("").trim();
}
for (const element of all("a[href], button, input, textarea, select, summary, [role=log], nav, aside, dialog")) if (!nameOf(element)) fault("no name", element);
for (const image of all("img")) if (!image.hasAttribute("alt")) fault("no alt", image);

// Structure
if (!document.documentElement.lang) faults.push("no language");
if (!document.title) faults.push("no title");
for (const [selector, count] of [["main", 1], ["header.top", 1], [".skip", 1]]) if (document.querySelectorAll(selector).length !== count) faults.push(`${count} × ${selector} expected`);
const navigations = all("nav").map(nameOf);
if (new Set(navigations).size !== navigations.length) faults.push("two navigations with one name");
const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
for (const id of new Set(ids)) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push(`two elements with id ${id}`);
for (const element of document.querySelectorAll("[aria-labelledby], [aria-describedby], [aria-controls], label[for]")) {
  for (const attribute of ["aria-labelledby", "aria-describedby", "aria-controls", "for"]) {
    for (const id of (element.getAttribute(attribute) ?? "").split(/\s+/).filter(Boolean)) if (!document.getElementById(id)) fault(`${attribute} leads to no element`, element, id);
  }
}
let level = 0;
for (const heading of all("h1, h2, h3, h4")) {
  const own = Number(heading.tagName[1]);
  if (own > level + 1 && level > 0) fault("heading skips a level", heading);
  level = own;
}
for (const list of all("ul, ol")) for (const child of list.children) if (child.tagName !== "LI") fault("not a list item", child);
for (const element of all("[tabindex]")) if (element.tabIndex > 0) fault("positive tabindex", element);
for (const element of document.querySelectorAll("[aria-hidden=true]")) if (element.matches("a, button, input") || element.querySelector("a[href], button, input")) fault("hidden but in reach", element);

// Contrast: the browser turns any colour into sRGB on a canvas.
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
function rgba(colour) {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
  return [red, green, blue, alpha / 255];
}
const over = (top, ground) => [0, 1, 2].map((index) => top[index] * top[3] + ground[index] * (1 - top[3])).concat(1);
const light = ([...channels]) => channels.slice(0, 3).map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)).reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
const contrast = (one, other) => {
  const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
};
function groundOf(element) {
  const layers = [];
  for (let at = element; at; at = at.parentElement) layers.push(rgba(getComputedStyle(at).backgroundColor));
  return layers.reverse().reduce((ground, layer) => over(layer, ground), rgba("Canvas"));
}
function opacityOf(element) {
  let opacity = 1;
  for (let at = element; at; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity);
  return opacity;
}
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const seen = new Set();
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  // Inactive controls are exempt from 1.4.3.
  if (!walker.currentNode.data.trim() || seen.has(element) || !isShown(element) || element.closest(":disabled")) continue;
  seen.add(element);
  const style = getComputedStyle(element);
  const isLarge = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
  const ground = groundOf(element);
  const ink = rgba(style.color);
  ink[3] *= opacityOf(element);
  const found = contrast(over(ink, ground), ground);
  if (found < (isLarge ? 3 : 4.5) - 0.01 && opacityOf(element) > 0) fault("contrast", element, found.toFixed(2));
}
for (const field of all("input:not([type=checkbox]), textarea")) {
  const found = contrast(rgba(getComputedStyle(field).borderTopColor), groundOf(field.parentElement));
  if (found < 3) fault("edge of a field", field, found.toFixed(2));
}

// Target size: 24 × 24 CSS pixels; links within a sentence are exempt.
for (const control of all("button, a[href], input, textarea, summary")) {
  const { width, height } = control.getBoundingClientRect();
  const isInline = getComputedStyle(control).display.startsWith("inline") && control.closest("p");
  if (!isInline && (width < 24 || height < 24) && !control.matches("input[type=checkbox], .skip")) fault("small target", control, `${Math.round(width)}×${Math.round(height)}`);
}
if (document.documentElement.scrollWidth > innerWidth + 1) faults.push(`the page scrolls sideways: ${document.documentElement.scrollWidth} > ${innerWidth}`);
return faults;
