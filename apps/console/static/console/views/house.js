/** The first view: how each part is, and the zones with their rules and documentation. */

import { Problem, request } from "../api.js";
import { fill, h } from "../dom.js";
import { listOf } from "../text.js";

const EVERY = 15_000;

/** Each part of the health report as {name, ok, ms}. */
function partsOf(report) {
  const parts = report.checks ?? report.parts ?? {};
  return Object.entries(parts).map(([name, part]) => ({ name, ok: part.ok ?? part.status === "ok", ms: part.ms ?? null, detail: part.detail ?? "" }));
}

function stoneOf({ name, ok, ms }) {
  return h(
    "li",
    { class: ok ? "stands" : "lies" },
    h("span", { class: "monolith", "aria-hidden": "true" }),
    h("span", { class: "name" }, name),
    h("span", { class: "state" }, ok ? "answers" : "is away", ok && ms !== null && ` · ${ms < 10 ? Number(ms).toFixed(1) : Math.round(ms)}\u00a0ms`),
  );
}

/** The row of stones: upright where a part answers, fallen where it does not. Returns {element, stop}. */
function health() {
  const title = h("h1", { id: "house-title" }, "Sarsen");
  const words = h("p", { class: "lead", role: "status" }, "Asking every part how it is …");
  const row = h("ul", { class: "stones", "aria-label": "Parts of this installation" });
  let timer = 0;
  let shown = "";

  async function look() {
    let parts = [];
    let said;
    try {
      parts = partsOf(await request("GET", "/readyz", { accept: [503] }));
      const away = parts.filter((part) => !part.ok).map((part) => part.name);
      said = away.length
        ? ["Not all stands.", `${listOf(away)} ${away.length > 1 ? "are" : "is"} away; the rest goes on without.`]
        : ["Everything stands.", "Every part of this house answers. Look around, or come in and talk."];
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      said = ["No answer.", problem.words];
    }
    // Untouched when nothing changed, so that screen readers hear of changes only.
    const now = JSON.stringify([said, parts.map(({ name, ok }) => [name, ok])]);
    if (now !== shown) {
      [title.textContent, words.textContent] = said;
      fill(row, parts.map(stoneOf));
    }
    shown = now;
    timer = setTimeout(look, EVERY);
  }

  look();
  return { element: h("div", { class: "hero-text" }, title, words, row), stop: () => clearTimeout(timer) };
}

const ENTERS = {
  anyone: "anyone; a token is read if sent",
  user: "whoever is signed in",
  service: "services with a key",
  admin: "administrators",
};

const anchor = (href, text, about) => h("a", { href, "aria-label": `${text} of the ${about} zone` }, text);

function zoneCard(zone) {
  const { docs } = zone;
  return h(
    "li",
    { class: `card zone zone-${zone.name}` },
    h("h3", {}, zone.title),
    h("p", { class: "path" }, h("code", {}, zone.url)),
    h("p", {}, zone.description),
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
      docs.access !== "open" && h("span", { class: "hint" }, "after sign-in"),
    ),
  );
}

async function zones(place) {
  try {
    const index = await request("GET", "/api/");
    fill(place, index.zones.map(zoneCard));
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    fill(place, h("li", { class: "card" }, problem.words));
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
  return { element, title: "The house", heading: hero.querySelector("h1"), stop };
}
