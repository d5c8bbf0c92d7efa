/** One room: its head, the state of the line, the messages, the field to write in, the people. */

import { api, isFailure, paginate, wordsOf } from "../api.js";
import { Conversation } from "../conversation.js";
import { announce, fill, focusOn, h, icon } from "../dom.js";
import { quoteOf } from "../message.js";
import { listOf } from "../text.js";
import { ask } from "./ask.js";
import { attachmentShelf } from "./attachments.js";
import { composer } from "./composer.js";
import { messageLog } from "./log.js";
import { plainOf } from "./mentioning.js";
import { peoplePanel } from "./people.js";
import { searchPanel } from "./search.js";

const REASONS = {
  4403: "You are no longer a member of this room.",
  4404: "This room is gone.",
};
const MOST_PEOPLE = 500; // shown beside a room
const KIND = 3_000; // milliseconds a notice stays
const TOGETHER = 300; // milliseconds within which messages are told in one breath
const MOST_TOLD = 3; // of them; more are counted

function head(room, ...controls) {
  const title = h("h2", { id: "room-title" }, room.name);
  const element = h(
    "header",
    { class: "room-head" },
    h("a", { class: "tool back", href: "#/rooms", "aria-label": "All rooms" }, icon("back")),
    h("div", { class: "room-name" }, title, h("p", { class: "hint" }, `#${room.slug}`, room.is_private && " · by invitation")),
    controls,
  );
  return { element, title };
}

const parted = new Map(); // slug → why one is not in that room any more, until it was told

/** Why one is not in a room any more, once; undefined where one never was. */
export function whyParted(slug) {
  const reason = parted.get(slug);
  parted.delete(slug);
  return reason;
}

/** A room that one is not in, yet or any more. */
function threshold(room, { refresh }) {
  const reason = whyParted(room.slug);
  const mistake = h("p", { class: "mistake", role: "alert" });
  const join = async () => {
    try {
      await api.chatRoomsJoin({ path: { slug: room.slug } });
      announce(`You joined ${room.name}.`);
      await refresh();
    } catch (error) {
      mistake.textContent = wordsOf(error);
    }
  };
  const { element, title } = head(room);
  const section = h(
    "section",
    { class: "conversation", "aria-labelledby": "room-title" },
    element,
    h("div", { class: "empty" }, reason && h("p", { class: "lead", role: "alert" }, reason), h("p", { class: "lead" }, `${room.name} is open to everyone who is signed in.`), h("button", { type: "button", class: "primary", on: { click: join } }, "Join the room"), mistake),
  );
  return { element: section, heading: title, stop: () => {} };
}

/** The open room; `context` has session, refresh and seen(slug, seq). Returns {element, heading, stop}. */
export function roomView(room, context) {
  if (!room.isMember) return threshold(room, context);
  const { session, refresh, seen } = context;
  const me = session.user;
  const path = { slug: room.slug };
  const talk = new Conversation({ room, session });
  const shelf = attachmentShelf(room.slug);
  const unheard = []; // what others have written and screen readers have not been told
  let members = [];
  let wasCut = false;
  let isStale = false;

  const ofMember = (person) => ({ ...path, user_id: person.id });
  const people = peoplePanel({
    me,
    room,
    deeds: {
      mute: (person, seconds) => aboutPeople(() => api.chatMembersMute({ path: ofMember(person), body: { seconds } })),
      unmute: (person) => aboutPeople(() => api.chatMembersUnmute({ path: ofMember(person) })),
      setRole: (person, role) => aboutPeople(() => api.chatMembersRole({ path: ofMember(person), body: { role } })),
      remove: async (person) => {
        if (await ask(`Remove ${person.name}?`, "They leave the room at once. What they wrote stays.", "Remove")) aboutPeople(() => api.chatMembersRemove({ path: ofMember(person) }));
      },
      ban: async (person) => {
        const words = "They leave the room at once, and cannot come back until you lift the ban. What they wrote stays.";
        if (await ask(`Ban ${person.name}?`, words, "Ban")) await aboutPeople(() => api.chatBansAdd({ path, body: { user: person.id } }));
      },
    },
  });
  const search = searchPanel(room.slug, { goTo, closed: () => { searchToggle.setAttribute("aria-expanded", "false"); searchToggle.focus(); } });
  const searchToggle = h("button", { type: "button", class: "tool", "aria-expanded": "false", "aria-controls": "search-panel", "aria-label": "Search", on: { click: toggleSearch } }, icon("search"));
  const line = h("div", { class: "line-state", role: "status" });
  const typing = h("p", { class: "typing" });
  const notice = h("p", { class: "notice", role: "alert", hidden: true });
  const peopleToggle = h("button", { type: "button", class: "tool people-toggle", "aria-expanded": "false", "aria-controls": "people", "aria-label": "People", on: { click: togglePeople } }, icon("people"));
  const leave = h("button", { type: "button", class: "tool", "aria-label": "Leave the room", on: { click: goOut } }, icon("door"));

  const log = messageLog({
    me,
    roomName: room.name,
    mayModerate: room.role === "owner" || room.role === "moderator",
    shelf,
    controls: {
      reply: (message) => write.reply(message),
      goTo,
      edit: (message) => write.take(message),
      remove,
      again: (clientId) => talk.again(clientId),
      discard: (clientId) => talk.discard(clientId),
      older: () => guarded(() => talk.older()),
      seen: () => talk.read(),
    },
  });
  const write = composer({
    slug: room.slug,
    roomName: room.name,
    send: ({ replyTo, ...message }) => {
      talk.send({ ...message, replyTo: replyTo && quoteOf(replyTo) });
      log.toEnd();
    },
    people: () => members.filter((member) => member.id !== me.id),
    change: (message, text) => guarded(() => talk.edit(message, text)),
    writing: () => talk.writing(),
    lastOwn: () => talk.timeline.items.findLast((item) => item.from === me.id && item.id && !item.deleted),
  });

  async function guarded(act) {
    try {
      return await act();
    } catch (error) {
      if (!isFailure(error)) throw error;
      say(wordsOf(error));
      return null;
    }
  }

  async function aboutPeople(act) {
    await guarded(act);
    await readMembers();
  }

  async function goTo(seq) {
    const isThere = await guarded(() => talk.reach(seq));
    if (isThere) log.point(seq);
    else if (isThere === false) say("That message is too far back to be shown here.");
  }

  function toggleSearch() {
    if (section.classList.contains("with-people")) togglePeople(); // on a phone they take the place of what is searched
    search.toggle();
    searchToggle.setAttribute("aria-expanded", String(!search.element.hidden));
  }

  function say(words) {
    notice.textContent = words;
    notice.hidden = false;
    setTimeout(() => { notice.hidden = true; }, KIND + words.length * 40);
  }

  async function remove(message) {
    if (await ask("Take this message back?", "It disappears for everyone in the room.", "Take it back")) await guarded(() => talk.remove(message));
    write.focus();
  }

  async function goOut() {
    if (!(await ask(`Leave ${room.name}?`, room.is_private ? "You need a new invitation to come back." : "You can join again whenever you like.", "Leave"))) return;
    await guarded(async () => {
      await api.chatRoomsLeave({ path });
      location.hash = "#/rooms";
      await refresh();
    });
  }

  function togglePeople() {
    const isShown = section.classList.toggle("with-people");
    peopleToggle.setAttribute("aria-expanded", String(isShown));
  }

  function escaped({ key }) {
    if (key !== "Escape" || !section.classList.contains("with-people")) return;
    togglePeople();
    peopleToggle.focus();
  }

  const namesOf = () => new Map([...members.map((member) => [member.id, member.name]), ...talk.online]);

  function drawMessages({ added = false, first = false } = {}) {
    const newAfter = first && room.unread ? room.read_seq : null;
    log.show(talk.timeline.items, { reads: talk.reads, names: namesOf(), hasOlder: talk.hasOlder, added, first, newAfter });
  }

  /** Tell screen readers of what others have written: the words alone, without the controls that stand around them. */
  function tell({ changed = [], added = false }) {
    if (!added) return;
    const others = changed.filter((message) => message.from !== me.id && message.seq);
    if (!unheard.length && others.length) setTimeout(heard, TOGETHER);
    unheard.push(...others);
  }

  function heard() {
    const all = unheard.splice(0);
    announce(all.length > MOST_TOLD ? `${all.length} new messages.` : all.map((message) => `${message.fromName || "Sarsen"}: ${plainOf(message) || "a file"}`).join(" "));
  }

  function drawPeople() {
    people.show(members, talk.online);
    const names = [...talk.typing.values()].map((one) => one.name);
    typing.textContent = names.length ? `${listOf(names)} ${names.length > 1 ? "are" : "is"} writing …` : "";
    if ([...talk.online.keys()].some((id) => !members.some((member) => member.id === id)) && !isStale) readMembers();
  }

  async function readMembers() {
    isStale = true; // one reading at a time
    await guarded(async () => {
      const found = [];
      for await (const member of paginate((page) => api.chatMembersList({ path, query: { limit: 100, ...page } }))) {
        if (found.push(member) === MOST_PEOPLE) break;
      }
      members = found.map(({ user, name, role, read_seq: read, muted_until: mutedUntil }) => ({ id: user, name, role, read, mutedUntil }));
      for (const { id, read } of members) if (read) talk.reads.set(id, Math.max(read, talk.reads.get(id) ?? 0));
      people.show(members, talk.online);
      if (talk.timeline.head !== null) drawMessages();
    });
    // Someone may stay unknown (removed while here); ask again later, not at once.
    setTimeout(() => { isStale = false; }, 5_000);
  }

  function drawLine({ state }) {
    section.dataset.line = state;
    if (state === "open") {
      fill(line, wasCut && h("p", { class: "back" }, "Back on the line. Nothing was lost."));
      if (wasCut) setTimeout(() => section.dataset.line === "open" && fill(line), KIND);
      wasCut = false;
    } else if (state === "waiting") {
      if (!wasCut) fill(line, h("p", { class: "cut" }, h("strong", {}, "The line is cut."), " What you write is kept and sent when it is back. ", h("button", { type: "button", class: "link", on: { click: talk.socket.retry } }, "Try now")));
      wasCut = true;
    }
  }

  talk.addEventListener("messages", ({ detail }) => {
    drawMessages(detail);
    tell(detail);
  });
  talk.addEventListener("seen", ({ detail }) => seen(room.slug, detail));
  talk.addEventListener("reads", () => drawMessages());
  talk.addEventListener("people", drawPeople);
  talk.addEventListener("line", ({ detail }) => drawLine(detail));
  talk.addEventListener("refused", ({ detail }) => say(detail));
  talk.addEventListener("ended", ({ detail: code }) => {
    fill(line, h("p", { class: "cut" }, REASONS[code] ?? "The server ended this conversation."));
    if (REASONS[code]) parted.set(room.slug, REASONS[code]);
    refresh();
  });

  const { element, title } = head(room, searchToggle, peopleToggle, leave);
  const section = h(
    "section",
    { class: "conversation", "aria-labelledby": "room-title", dataset: { line: "connecting" }, on: { keydown: escaped } },
    element,
    line,
    h("div", { class: "talk" }, h("div", { class: "said" }, search.element, log.element), people.element),
    notice,
    typing,
    write.element,
  );
  talk.start();
  readMembers();
  const isTouch = matchMedia("(pointer: coarse)").matches;
  return {
    element: section,
    heading: title,
    // On a phone the keyboard would cover what one came to read.
    focus: () => (isTouch ? focusOn(title) : write.focus()),
    stop: () => {
      talk.stop();
      log.stop();
      shelf.stop();
    },
  };
}
