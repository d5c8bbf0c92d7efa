/** Who is in the room: those who are here now first, then the other members; and what moderators may do about them. */

import { closesOnEscape, fill, h, icon } from "../dom.js";
import { timeOf } from "../text.js";
import { bansPanel } from "./bans.js";
import { invitationForm } from "./invite.js";
import { stone } from "./person.js";

const RANKS = ["member", "moderator", "owner"];
const MUTED_SECONDS = 600;

/** What one may do about somebody: nothing about one's equals or betters. The server decides; this only spares a refusal. */
function deedsOf(person, role) {
  const [mine, theirs] = [RANKS.indexOf(role), RANKS.indexOf(person.role)];
  if (mine < 1 || theirs < 0 || mine <= theirs) return [];
  const isMuted = person.mutedUntil && new Date(person.mutedUntil) > new Date();
  const other = person.role === "member" ? "moderator" : "member";
  return [
    isMuted ? { words: "Let speak again", act: (deeds) => deeds.unmute(person) } : { words: "Mute for ten minutes", act: (deeds) => deeds.mute(person, MUTED_SECONDS) },
    role === "owner" && { words: `Make ${other}`, act: (deeds) => deeds.setRole(person, other) },
    { words: "Remove from the room", isHard: true, act: (deeds) => deeds.remove(person) },
    { words: "Ban from the room", isHard: true, act: (deeds) => deeds.ban(person) },
  ].filter(Boolean);
}

function menu(person, role, deeds) {
  const known = deedsOf(person, role);
  if (!known.length) return null;
  const details = h(
    "details",
    { class: "menu" },
    h("summary", { class: "tool", "aria-label": `What to do about ${person.name}` }, icon("more")),
    h(
      "ul",
      {},
      known.map(({ words, isHard, act }) =>
        h("li", {}, h("button", { type: "button", class: isHard ? "hard" : "", on: { click: () => { details.open = false; act(deeds); } } }, words)),
      ),
    ),
  );
  details.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget && !details.contains(relatedTarget)) details.open = false;
  });
  return closesOnEscape(details);
}

function entry(person, isHere, me, role, deeds) {
  const isMuted = person.mutedUntil && new Date(person.mutedUntil) > new Date();
  const about = [
    person.id === me.id && "you",
    RANKS.indexOf(person.role) > 0 && person.role,
    isMuted && `muted till ${timeOf(person.mutedUntil)}`,
  ].filter(Boolean);
  return h(
    "li",
    { class: isHere ? "here" : "away" },
    stone(person.id, person.name),
    h("span", { class: "name" }, h("span", {}, person.name), about.length > 0 && h("small", {}, about.join(" · "))),
    h("span", { class: "hidden" }, isHere ? "here now" : "away"),
    menu(person, role, deeds),
  );
}

/**
 * The panel. `show(members, online)` draws it: members as {id, name, role, mutedUntil}, online as a map of id to name.
 * `deeds` has mute(person, seconds), unmute(person), setRole(person, role), remove(person) and
 * ban(person); the last resolves when it is done.
 */
export function peoplePanel({ me, room, deeds }) {
  const title = h("h3", { id: "people-title" }, "People");
  const list = h("ul", { "aria-labelledby": "people-title" });
  const mayModerate = RANKS.indexOf(room.role) > 0;
  const bans = mayModerate && bansPanel(room.slug);
  const allDeeds = { ...deeds, ban: (person) => deeds.ban(person).then(bans.refresh) };
  let shown = "";
  let late = null; // what is to be drawn when the menu that is open has been closed: it must not slip from under a finger

  list.addEventListener("toggle", () => {
    if (!late || isMenuOpen()) return;
    const [members, online] = late;
    late = null;
    show(members, online);
  }, true);
  const isMenuOpen = () => list.querySelector("details[open]") !== null;

  function show(members, online) {
    if (isMenuOpen()) {
      late = [members, online];
      return;
    }
    const known = new Set(members.map((member) => member.id));
    // Someone may be here whose membership this page has not read yet.
    const all = [...members, ...[...online].filter(([id]) => !known.has(id)).map(([id, name]) => ({ id, name, role: "member" }))];
    const order = (one, other) => online.has(other.id) - online.has(one.id) || one.name.localeCompare(other.name);
    const sorted = all.sort(order);
    const look = JSON.stringify(sorted.map((one) => [one, online.has(one.id)]));
    if (look === shown) return;
    shown = look;
    // Oneself is always among them, unless there is no line to be told on.
    title.textContent = online.size ? `People · ${online.size} here` : "People";
    const focused = list.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    fill(list, sorted.map((one) => entry(one, online.has(one.id), me, room.role, allDeeds)));
    if (focused) [...list.querySelectorAll("summary")].find((one) => one.getAttribute("aria-label") === focused)?.focus();
  }

  return {
    element: h("aside", { class: "people", id: "people", "aria-label": "People in this room" }, title, list, mayModerate && invitationForm(room.slug), mayModerate && bans.element),
    show,
  };
}
