/** Who is in the room: those who are here now first, then the other members. */

import { fill, h } from "../dom.js";
import { stone } from "./person.js";

function person({ id, name, role }, isHere, me) {
  return h(
    "li",
    { class: isHere ? "here" : "away" },
    stone(id, name),
    h("span", { class: "name" }, name, id === me.id && h("small", {}, " (you)")),
    role && role !== "member" && h("small", { class: "role" }, role),
    h("span", { class: "hidden" }, isHere ? "here now" : "away"),
  );
}

/** The panel. `show(members, online)` draws it: members as {id, name, role}, online as a map of id to name. */
export function peoplePanel(me) {
  const title = h("h3", { id: "people-title" }, "People");
  const list = h("ul", { "aria-labelledby": "people-title" });
  let shown = "";

  function show(members, online) {
    const known = new Set(members.map((member) => member.id));
    // Someone may be here whose membership this page has not read yet.
    const all = [...members, ...[...online].filter(([id]) => !known.has(id)).map(([id, name]) => ({ id, name, role: "member" }))];
    const order = (one, other) => online.has(other.id) - online.has(one.id) || one.name.localeCompare(other.name);
    const sorted = all.sort(order);
    const look = JSON.stringify(sorted.map((one) => [one, online.has(one.id)]));
    if (look === shown) return;
    shown = look;
    title.textContent = `People · ${online.size} here`;
    fill(list, sorted.map((one) => person(one, online.has(one.id), me)));
  }

  return { element: h("aside", { class: "people", id: "people", "aria-label": "People in this room" }, title, list), show };
}
