/** Starts the console: the header, the colors, the first page. Slices' modules are loaded before and have registered. */

import { fill, h, icon } from "./dom.js";
import { badgeOf, headerParts, linkedPages, on, session } from "./registry.js";
import { pageName, start } from "./router.js";
import { theme } from "./theme.js";

const list = document.querySelector(".top nav ul");
const links = new Map(); // name of a page → its entry

function addLinks() {
  let last = document.getElementById("nav-home").parentElement;
  for (const [name, { link }] of linkedPages()) {
    const badge = h("span", { class: "badge", hidden: true }, "0", h("span", { class: "hidden" }, " unread"));
    const anchor = h("a", { id: `nav-${name}`, href: `#/${name}`, hidden: true }, link.label, " ", badge);
    const entry = h("li", {}, anchor);
    last.after(entry);
    last = entry;
    links.set(name, { anchor, badge });
  }
}

function drawBadges() {
  for (const [name, { badge }] of links) {
    const number = badgeOf(name);
    badge.hidden = number === 0;
    badge.firstChild.data = number > 99 ? "99+" : String(number);
  }
}

function drawHeader() {
  for (const { anchor } of links.values()) anchor.hidden = !session.user;
  for (const [name, anchor] of [["home", document.getElementById("nav-home")], ...[...links].map(([name, link]) => [name, link.anchor])]) {
    if (name === pageName()) anchor.setAttribute("aria-current", "page");
    else anchor.removeAttribute("aria-current");
  }
  const open = list.querySelector("[aria-current]");
  const row = list.closest("nav");
  if (open) row.scrollLeft = open.offsetLeft - row.offsetLeft - (row.clientWidth - open.offsetWidth) / 2; // narrow screens do not show all
  fill(document.getElementById("header-parts"), headerParts.map((draw) => draw(pageName())));
}

const switchTheme = theme((isDark) => {
  const button = document.getElementById("theme");
  fill(button, icon(isDark ? "sun" : "moon"));
  button.setAttribute("aria-label", isDark ? "Switch to light colors" : "Switch to dark colors");
});
document.getElementById("theme").addEventListener("click", switchTheme);

addLinks();
on("shown", drawHeader);
on("profile-changed", drawHeader);
on("counted", drawBadges);
start();
