/** The members of a room: online ones first, with a menu of what a moderator may do about each. */

import { avatar } from "../../../console/avatar.js";
import { closesOnEscape, fill, h, icon } from "../../../console/dom.js";
import { timeOf } from "../../../console/text.js";
import { bansPanel } from "./bans.js";
import { invitationForm } from "./invitations.js";

const RANKS = ["member", "moderator", "owner"];
const MUTE_SECONDS = 600;

const isMuted = ({ mutedUntil }) => Boolean(mutedUntil) && new Date(mutedUntil) > new Date();

/** What a role may do about a member: nothing about equal or higher ranks. The server decides; this spares refused calls. */
function actionsFor(member, role) {
  const [own, theirs] = [RANKS.indexOf(role), RANKS.indexOf(member.role)];
  if (own < 1 || theirs < 0 || own <= theirs) return [];
  const other = member.role === "member" ? "moderator" : "member";
  return [
    isMuted(member) ? { words: "Unmute", run: (actions) => actions.unmute(member) } : { words: "Mute for 10 minutes", run: (actions) => actions.mute(member, MUTE_SECONDS) },
    role === "owner" && { words: `Make ${other}`, run: (actions) => actions.setRole(member, other) },
    { words: "Remove from the room", isDestructive: true, run: (actions) => actions.remove(member) },
    { words: "Ban from the room", isDestructive: true, run: (actions) => actions.ban(member) },
  ].filter(Boolean);
}

function menu(member, role, actions) {
  const known = actionsFor(member, role);
  if (!known.length) return null;
  const details = h(
    "details",
    { class: "menu" },
    h("summary", { class: "tool", "aria-label": `Actions for ${member.name}` }, icon("more")),
    h(
      "ul",
      {},
      known.map(({ words, isDestructive, run }) =>
        h("li", {}, h("button", { type: "button", class: isDestructive ? "destructive" : "", on: { click: () => { details.open = false; run(actions); } } }, words)),
      ),
    ),
  );
  details.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget && !details.contains(relatedTarget)) details.open = false;
  });
  return closesOnEscape(details);
}

function entry(member, isOnline, me, role, actions) {
  const about = [
    member.id === me.id && "you",
    RANKS.indexOf(member.role) > 0 && member.role,
    isMuted(member) && `muted until ${timeOf(member.mutedUntil)}`,
  ].filter(Boolean);
  return h(
    "li",
    { class: isOnline ? "online" : "offline" },
    avatar(member.id, member.name),
    h("span", { class: "name" }, h("span", {}, member.name), about.length > 0 && h("small", {}, about.join(" · "))),
    h("span", { class: "hidden" }, isOnline ? "online" : "offline"),
    menu(member, role, actions),
  );
}

/**
 * The panel. `show(members, online)` draws it: members as {id, name, role, mutedUntil}, online as a map of id to name.
 * `actions` has mute(member, seconds), unmute(member), setRole(member, role), remove(member), and ban(member), which
 * resolves when it is done.
 */
export function membersPanel({ me, room, actions }) {
  const title = h("h3", { id: "members-title" }, "Members");
  const list = h("ul", { "aria-labelledby": "members-title" });
  const mayModerate = RANKS.indexOf(room.role) > 0;
  const bans = mayModerate && bansPanel(room.slug);
  const allActions = { ...actions, ban: (member) => actions.ban(member).then(bans.refresh) };
  let drawn = "";
  let postponed = null; // what is drawn when the open menu is closed: an open menu must not move

  const isMenuOpen = () => list.querySelector("details[open]") !== null;
  list.addEventListener("toggle", () => {
    if (!postponed || isMenuOpen()) return;
    const [members, online] = postponed;
    postponed = null;
    show(members, online);
  }, true);

  function show(members, online) {
    if (isMenuOpen()) {
      postponed = [members, online];
      return;
    }
    const known = new Set(members.map((member) => member.id));
    // A user may be online whose membership is not loaded yet.
    const all = [...members, ...[...online].filter(([id]) => !known.has(id)).map(([id, name]) => ({ id, name, role: "member" }))];
    const sorted = all.sort((one, other) => online.has(other.id) - online.has(one.id) || one.name.localeCompare(other.name));
    const look = JSON.stringify(sorted.map((one) => [one, online.has(one.id), isMuted(one)]));
    if (look === drawn) return;
    drawn = look;
    // The user is one of those who are online, unless there is no connection.
    title.textContent = online.size ? `Members · ${online.size} online` : "Members";
    const focused = list.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    fill(list, sorted.map((one) => entry(one, online.has(one.id), me, room.role, allActions)));
    if (focused) [...list.querySelectorAll("summary")].find((one) => one.getAttribute("aria-label") === focused)?.focus();
  }

  return {
    element: h("aside", { class: "members", id: "members", "aria-label": "Members of this room" }, title, list, mayModerate && invitationForm(room.slug), mayModerate && bans.element),
    show,
  };
}
