/** The first view: how each part is, and the zones with their rules and documentation. */

import { look, wordsOf } from "../api.js";
import { fill, h } from "../dom.js";
import { listOf } from "../text.js";

const EVERY = 15_000;
const SOON = 3_000; // while something is away

/** Each part of the health report as {name, ok, ms}. */
function partsOf(report) {
  const parts = report.checks ?? {};
  return Object.entries(parts).map(([name, { ok, ms }]) => ({ name, ok, ms }));
}

function stoneOf({ name, ok, ms, isUnheard }) {
  return h(
    "li",
    { class: ok ? "stands" : "lies", dataset: { part: name } },
    h("span", { class: "monolith", "aria-hidden": "true" }),
    h("span", { class: "name" }, name),
    h("span", { class: "state" }, isUnheard ? "no word" : ok ? "answers" : "is away", ok && ms >= 0.05 && ` · ${ms < 10 ? Number(ms).toFixed(1) : Math.round(ms)}\u00a0ms`),
  );
}

/** Stones that are there already are changed, so that they are seen to fall and to be raised. */
function draw(row, parts) {
  if ([...row.children].map((stone) => stone.dataset.part).join() !== parts.map((part) => part.name).join()) {
    fill(row, parts.map(stoneOf));
    return;
  }
  parts.map(stoneOf).forEach((fresh, index) => {
    const stone = row.children[index];
    stone.className = fresh.className;
    stone.querySelector(".state").replaceWith(fresh.querySelector(".state"));
  });
}

let known = []; // the parts as they were when the server last answered

/** The row of stones: upright where a part answers, fallen where it does not. Returns {element, stop}. */
function health() {
  const title = h("h1", { id: "house-title" }, "Sarsen");
  const words = h("p", { class: "lead", role: "status" }, "Asking every part how it is …");
  const row = h("ul", { class: "stones", "aria-label": "Parts of this installation" });
  let timer = 0;
  let shown = "";
  let isStopped = false;

  async function ask() {
    let parts = [];
    clearTimeout(timer);
    let said;
    try {
      parts = partsOf(await look("/readyz", { accept: [503] }));
      known = parts;
      const away = parts.filter((part) => !part.ok).map((part) => part.name);
      said = away.length
        ? ["Not all stands.", `${listOf(away)} ${away.length > 1 ? "are" : "is"} away; the rest goes on without.`]
        : ["Everything stands.", "Every part of this house answers. Look around, or come in and talk."];
    } catch (problem) {
      said = ["No answer.", wordsOf(problem)];
      parts = known.map((part) => ({ ...part, ok: false, isUnheard: true }));
    }
    // Untouched when nothing changed, so that screen readers hear of changes only.
    const now = JSON.stringify([said, parts.map(({ name, ok }) => [name, ok])]);
    if (now !== shown) {
      [title.textContent, words.textContent] = said;
      draw(row, parts);
    }
    shown = now;
    if (!isStopped) timer = setTimeout(ask, parts.length && parts.every((part) => part.ok) ? EVERY : SOON);
  }

  ask();
  return { element: h("div", { class: "hero-text" }, title, words, row), stop };

  function stop() {
    isStopped = true;
    clearTimeout(timer);
  }
}

const ENTERS = {
  anyone: "anyone; a token is read if sent",
  user: "whoever is signed in",
  service: "services with a key",
  admin: "administrators",
};

const anchor = (href, text, about) => h("a", { href, "aria-label": `${text} of the ${about} zone` }, text);

/** A description with what stands in backticks as code. */
const withCode = (text) => text.split("`").map((part, index) => (index % 2 ? h("code", {}, part) : part));

function zoneCard(zone) {
  const { docs } = zone;
  return h(
    "li",
    { class: `card zone zone-${zone.name}` },
    h("h3", {}, zone.title),
    h("p", { class: "path" }, h("code", {}, zone.url)),
    h("p", {}, withCode(zone.description)),
    h(
      "dl",
      {},
      h("dt", {}, "Enters"),
      h("dd", {}, ENTERS[zone.floor] ?? zone.floor),
      h("dt", {}, "Rate"),
      h("dd", {}, zone.rates.map((rate) => rate.replace("/", " a ")).join(", ") || "no limit"),
      h("dt", {}, "Versions"),
      h("dd", {}, zone.versions.map((version) => (version.deprecated ? `${version.name} (deprecated)` : version.name)).join(", ")),
    ),
    h(
      "p",
      { class: "docs" },
      anchor(docs.swagger, "Try it", zone.name),
      anchor(docs.redoc, "Read it", zone.name),
      anchor(docs.yaml, "OpenAPI", zone.name),
      docs.access !== "open" && h("span", { class: "hint" }, "for those who may enter"),
    ),
  );
}

async function zones(place) {
  try {
    const index = await look("/api/");
    fill(place, index.zones.map(zoneCard));
  } catch (problem) {
    fill(place, h("li", { class: "card" }, wordsOf(problem)));
    setTimeout(() => place.isConnected && zones(place), SOON);
  }
}

/** The view; `aside` stands beside the stones (the sign-in card, or nothing). Returns {element, title, stop}. */
export function houseView(aside) {
  const { element: hero, stop } = health();
  const list = h("ul", { class: "zones" }, h("li", { class: "card" }, "Reading the zone table …"));
  zones(list);
  const element = h(
    "div",
    { class: "house" },
    h("section", { class: aside ? "hero with-aside" : "hero", "aria-labelledby": "house-title" }, hero, aside),
    h(
      "section",
      { class: "zones-section", "aria-labelledby": "zones-title" },
      h("h2", { id: "zones-title" }, "Ways in"),
      h("p", { class: "section-lead" }, "Each zone has one rule about who enters, and no view inside can widen it."),
      list,
    ),
  );
  return { element, title: "House", heading: hero.querySelector("h1"), stop };
}
