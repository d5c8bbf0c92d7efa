/** Home: the status of each component, and the API zones with their rules and documentation. */

import { getJson, messageFor } from "./api.js";
import { fill, h } from "./dom.js";
import { product } from "./registry.js";
import { listOf } from "./text.js";

const INTERVAL = 15_000;
const RETRY = 3_000; // while a component is unhealthy

const partsOf = (report) => Object.entries(report.checks ?? {}).map(([name, { ok, ms }]) => ({ name, ok, ms }));

const millisecondsOf = (ms) => `${ms < 10 ? Number(ms).toFixed(1) : Math.round(ms)}\u00a0ms`;

function partOf({ name, ok, ms, isUnknown }) {
  return h(
    "li",
    { class: ok ? "healthy" : "unhealthy", dataset: { part: name } },
    h("span", { class: "figure", "aria-hidden": "true" }),
    h("span", { class: "name" }, name),
    h("span", { class: "state" }, isUnknown ? "unknown" : ok ? "healthy" : "unavailable", ok && ms >= 0.05 && ` · ${millisecondsOf(ms)}`),
  );
}

/** Draw the components. Elements that exist already are changed, so that their transition is seen. */
function draw(row, parts) {
  if ([...row.children].map((item) => item.dataset.part).join() !== parts.map((part) => part.name).join()) {
    fill(row, parts.map(partOf));
    return;
  }
  parts.map(partOf).forEach((fresh, index) => {
    const item = row.children[index];
    item.className = fresh.className;
    item.querySelector(".state").replaceWith(fresh.querySelector(".state"));
  });
}

function summaryOf(parts) {
  const down = parts.filter((part) => !part.ok).map((part) => part.name);
  if (!down.length) return ["All systems operational", `Every component of this ${product} installation responds.`];
  return ["Degraded", `${listOf(down)} ${down.length > 1 ? "are" : "is"} unavailable. Everything else keeps working.`];
}

let lastKnown = []; // the components in the last report

/** The status, asked for again and again until `stop()`. */
function status() {
  const title = h("h1", { id: "home-title" }, product);
  const summary = h("p", { class: "lead", role: "status" }, "Checking the status of every component …");
  const row = h("ul", { class: "parts", "aria-label": "Components" });
  let timer = 0;
  let drawn = "";
  let isStopped = false;

  async function check() {
    let parts;
    let words;
    try {
      parts = lastKnown = partsOf(await getJson("/readyz", { accept: [503] }));
      words = summaryOf(parts);
    } catch (error) {
      words = ["No response", messageFor(error)];
      parts = lastKnown.map((part) => ({ ...part, ok: false, isUnknown: true }));
    }
    // Nothing is touched while nothing changes: screen readers announce what is touched.
    const now = JSON.stringify([words, parts.map(({ name, ok }) => [name, ok])]);
    if (now !== drawn) {
      [title.textContent, summary.textContent] = words;
      draw(row, parts);
    }
    drawn = now;
    if (!isStopped) timer = setTimeout(check, parts.length && parts.every((part) => part.ok) ? INTERVAL : RETRY);
  }

  const checkIfVisible = () => document.visibilityState === "visible" && check();

  function stop() {
    isStopped = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", checkIfVisible);
  }

  document.addEventListener("visibilitychange", checkIfVisible);
  check();
  return { element: h("div", { class: "hero-text" }, title, summary, row), stop };
}

const CALLERS = {
  anyone: "Anyone. A token is read if sent.",
  user: "Signed-in accounts",
  service: "Services with an API key",
  admin: "Administrators",
};

const documentation = (href, text, zone) => h("a", { href, "aria-label": `${text} of the ${zone} zone` }, text);

/** A description, with the parts in backticks as code. */
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
      h("dt", {}, "Who may call"),
      h("dd", {}, CALLERS[zone.floor] ?? zone.floor),
      h("dt", {}, "Rate limit"),
      h("dd", {}, zone.rates.map((rate) => rate.replace("/", " per ")).join(", ") || "none"),
      h("dt", {}, "Versions"),
      h("dd", {}, zone.versions.map((version) => (version.deprecated ? `${version.name} (deprecated)` : version.name)).join(", ")),
    ),
    h(
      "p",
      { class: "docs" },
      documentation(docs.swagger, "Swagger UI", zone.name),
      documentation(docs.redoc, "ReDoc", zone.name),
      documentation(docs.yaml, "OpenAPI", zone.name),
      docs.access !== "open" && h("span", { class: "hint" }, "restricted"),
    ),
  );
}

async function drawZones(list) {
  try {
    const index = await getJson("/api/");
    fill(list, index.zones.map(zoneCard));
  } catch (error) {
    fill(list, h("li", { class: "card" }, messageFor(error)));
    setTimeout(() => list.isConnected && drawZones(list), RETRY);
  }
}

/** The view. `aside` holds cards that stand beside the status. */
export function homeView(aside) {
  const { element: hero, stop } = status();
  const list = h("ul", { class: "zones" }, h("li", { class: "card" }, "Loading the zones …"));
  drawZones(list);
  const element = h(
    "div",
    { class: "home" },
    h("section", { class: aside.length ? "hero with-aside" : "hero", "aria-labelledby": "home-title" }, hero, aside.length > 0 && h("div", { class: "aside" }, aside)),
    h(
      "section",
      { class: "zones-section", "aria-labelledby": "zones-title" },
      h("h2", { id: "zones-title" }, "API zones"),
      h("p", { class: "section-lead" }, "Each zone has one rule for who may call it. No endpoint inside can widen that rule."),
      list,
    ),
  );
  return { element, title: "Home", heading: hero.querySelector("h1"), stop };
}
