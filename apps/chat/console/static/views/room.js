/** One room: its header, the state of the connection, the messages, the field for a new one, the members. */

import { api, isFailure, messageFor, NetworkError, paginate } from "../../../console/api.js";
import { confirm } from "../../../console/confirm.js";
import { announce, fill, focusOn, h, icon, isComposing } from "../../../console/dom.js";
import { session } from "../../../console/registry.js";
import { listOf } from "../../../console/text.js";
import { Conversation } from "../conversation.js";
import { quoteOf } from "../message.js";
import { markRead, refresh } from "../room_list.js";
import { messageAnnouncer } from "./announcements.js";
import { attachmentLoader } from "./attachments.js";
import { composer } from "./composer.js";
import { messageLog } from "./log.js";
import { membersPanel } from "./members.js";
import { searchPanel } from "./search.js";

const NO_LONGER = {
  4403: "You are no longer a member of this room.",
  4404: "This room was deleted.",
};
const ENDED = { ...NO_LONGER, 4406: "This page is out of date. Reload it." };
const MAX_MEMBERS = 500; // shown beside a room
const NOTICE_DURATION = 3_000; // milliseconds, and 40 more for each character
const MEMBERS_RETRY = 5_000;

function header(room, ...controls) {
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

const reasons = new Map(); // slug → why the user is no longer a member, until it is shown

/** Why the user is no longer a member of a room, once; undefined if there is no such reason. */
export function takeReason(slug) {
  const reason = reasons.get(slug);
  reasons.delete(slug);
  return reason;
}

/** A public room that the user is not a member of. */
function joinView(room) {
  const reason = takeReason(room.slug);
  const failure = h("p", { class: "error", role: "alert" });
  const join = async () => {
    try {
      await api.chatRoomsJoin({ path: { slug: room.slug } });
      announce(`You joined ${room.name}.`);
      await refresh();
    } catch (error) {
      failure.textContent = messageFor(error);
    }
  };
  const { element, title } = header(room);
  const section = h(
    "section",
    { class: "conversation", "aria-labelledby": "room-title" },
    element,
    h("div", { class: "empty" }, reason && h("p", { class: "lead", role: "alert" }, reason), h("p", { class: "lead" }, `Everyone who is signed in can join ${room.name}.`), h("button", { type: "button", class: "primary", on: { click: join } }, "Join the room"), failure),
  );
  return { element: section, heading: title };
}

/** The view of a room. */
export function roomView(room) {
  if (!room.isMember) return joinView(room);
  const me = session.user;
  const path = { slug: room.slug };
  const conversation = new Conversation(room);
  const attachments = attachmentLoader(room.slug);
  const announceSoon = messageAnnouncer(me);
  let members = [];
  let wasLost = false;
  let isLoadingMembers = false;

  const memberPath = (member) => ({ ...path, user_id: member.id });
  const panel = membersPanel({
    me,
    room,
    actions: {
      mute: (member, seconds) => changeMember(() => api.chatMembersMute({ path: memberPath(member), body: { seconds } })),
      unmute: (member) => changeMember(() => api.chatMembersUnmute({ path: memberPath(member) })),
      setRole: (member, role) => changeMember(() => api.chatMembersRole({ path: memberPath(member), body: { role } })),
      remove: async (member) => {
        const words = "The member leaves the room at once. Their messages stay.";
        if (await confirm(`Remove ${member.name}?`, words, "Remove")) await changeMember(() => api.chatMembersRemove({ path: memberPath(member) }));
      },
      ban: async (member) => {
        const words = "The member leaves the room at once and cannot come back until you unban them. Their messages stay.";
        if (await confirm(`Ban ${member.name}?`, words, "Ban")) await changeMember(() => api.chatBansAdd({ path, body: { user: member.id } }));
      },
    },
  });
  const search = searchPanel(room.slug, { goTo, closed: () => { searchToggle.setAttribute("aria-expanded", "false"); searchToggle.focus(); } });
  const searchToggle = h("button", { type: "button", class: "tool", "aria-expanded": "false", "aria-controls": "search-panel", "aria-label": "Search", on: { click: toggleSearch } }, icon("search"));
  const connection = h("div", { class: "connection", role: "status" });
  const typing = h("p", { class: "typing" });
  const notice = h("p", { class: "notice", role: "alert", hidden: true });
  const membersToggle = h("button", { type: "button", class: "tool members-toggle", "aria-expanded": "false", "aria-controls": "members", "aria-label": "Members", on: { click: toggleMembers } }, icon("members"));
  const leave = h("button", { type: "button", class: "tool", "aria-label": "Leave the room", on: { click: leaveRoom } }, icon("leave"));

  const log = messageLog({
    me,
    roomName: room.name,
    mayModerate: room.role === "owner" || room.role === "moderator",
    attachments,
    controls: {
      reply: (message) => write.reply(message),
      goTo,
      edit: (message) => write.edit(message),
      remove,
      retry: (clientId) => conversation.retry(clientId),
      discard: (clientId) => conversation.discard(clientId),
      older: () => guarded(() => conversation.older()),
      seen: () => conversation.read(),
    },
  });
  const write = composer({
    slug: room.slug,
    roomName: room.name,
    send: ({ replyTo, ...message }) => {
      conversation.send({ ...message, replyTo: replyTo && quoteOf(replyTo) });
      log.toEnd();
    },
    members: () => members.filter((member) => member.id !== me.id),
    change: (message, text) => guarded(() => conversation.edit(message, text)),
    typing: () => conversation.tellTyping(),
    lastOwn: () => conversation.timeline.items.findLast((item) => item.from === me.id && item.id && !item.deleted),
  });

  async function guarded(work) {
    try {
      return await work();
    } catch (error) {
      if (!isFailure(error)) throw error;
      // The lost connection is shown already.
      if (!(error instanceof NetworkError) || !wasLost) showNotice(messageFor(error));
      return null;
    }
  }

  async function changeMember(work) {
    await guarded(work);
    await loadMembers();
  }

  async function goTo(seq) {
    const isThere = await guarded(() => conversation.reach(seq));
    if (isThere) log.point(seq);
    else if (isThere === false) showNotice("That message is too old to be shown here.");
  }

  function toggleSearch() {
    if (section.classList.contains("with-members")) toggleMembers(); // narrow windows show one of them
    search.toggle();
    searchToggle.setAttribute("aria-expanded", String(!search.element.hidden));
  }

  function showNotice(words) {
    notice.textContent = words;
    notice.hidden = false;
    setTimeout(() => { notice.hidden = true; }, NOTICE_DURATION + words.length * 40);
  }

  async function remove(message) {
    if (await confirm("Delete this message?", "It disappears for every member of the room.", "Delete")) await guarded(() => conversation.remove(message));
    write.focus();
  }

  async function leaveRoom() {
    if (!(await confirm(`Leave ${room.name}?`, room.is_private ? "You need a new invitation to come back." : "You can join again at any time.", "Leave"))) return;
    await guarded(async () => {
      await api.chatRoomsLeave({ path });
      location.hash = "#/rooms";
      await refresh();
    });
  }

  function toggleMembers() {
    const isShown = section.classList.toggle("with-members");
    membersToggle.setAttribute("aria-expanded", String(isShown));
  }

  function closeOnEscape(event) {
    if (event.key !== "Escape" || isComposing(event) || !section.classList.contains("with-members")) return;
    toggleMembers();
    membersToggle.focus();
  }

  const names = () => new Map([...members.map((member) => [member.id, member.name]), ...conversation.presence.online]);

  function drawMessages({ added = false, first = false } = {}) {
    const newAfter = first && room.unread ? room.read_seq : null;
    log.show(conversation.timeline.items, { reads: conversation.reads, names: names(), hasOlder: conversation.hasOlder, added, first, newAfter });
  }

  function drawPresence() {
    const { online, typing: typists } = conversation.presence;
    panel.show(members, online);
    const some = [...typists.values()].map((one) => one.name);
    typing.textContent = some.length ? `${listOf(some)} ${some.length > 1 ? "are" : "is"} typing …` : "";
    if ([...online.keys()].some((id) => !members.some((member) => member.id === id)) && !isLoadingMembers) loadMembers();
  }

  async function loadMembers() {
    isLoadingMembers = true;
    await guarded(async () => {
      const found = [];
      for await (const member of paginate((page) => api.chatMembersList({ path, query: { limit: 100, ...page } }))) {
        if (found.push(member) === MAX_MEMBERS) break;
      }
      members = found.map(({ user, name, role, read_seq: read, muted_until: mutedUntil }) => ({ id: user, name, role, read, mutedUntil }));
      for (const { id, read } of members) if (read) conversation.reads.set(id, Math.max(read, conversation.reads.get(id) ?? 0));
      panel.show(members, conversation.presence.online);
      if (conversation.timeline.head !== null) drawMessages();
    });
    // Someone may stay unknown, such as a member who was removed while online: load again later, not at once.
    setTimeout(() => { isLoadingMembers = false; }, MEMBERS_RETRY);
  }

  function drawConnection({ state }) {
    section.dataset.connection = state;
    const now = h("button", { type: "button", class: "link", on: { click: () => conversation.reconnect() } }, "Connect now");
    if (state === "open") {
      fill(connection, wasLost && h("p", { class: "restored" }, "Connection restored. No message was lost."));
      if (wasLost) {
        setTimeout(() => section.dataset.connection === "open" && fill(connection), NOTICE_DURATION);
        loadMembers();
      }
      wasLost = false;
    } else if (state === "blocked") {
      fill(connection, h("p", { class: "lost" }, h("strong", {}, "Too many connections."), " Your account has too many open at once. Close another window of this console, then connect. ", now));
      wasLost = true;
    } else if (state === "waiting") {
      if (!wasLost) fill(connection, h("p", { class: "lost" }, h("strong", {}, "Connection lost."), " What you write is kept and sent when it is restored. ", now));
      wasLost = true;
    }
  }

  conversation.addEventListener("messages", ({ detail }) => {
    drawMessages(detail);
    announceSoon(detail);
  });
  conversation.addEventListener("seen", ({ detail }) => markRead(room.slug, detail));
  conversation.addEventListener("reads", () => drawMessages());
  conversation.addEventListener("presence", drawPresence);
  conversation.addEventListener("connection", ({ detail }) => drawConnection(detail));
  conversation.addEventListener("refused", ({ detail }) => showNotice(detail));
  conversation.addEventListener("ended", ({ detail: code }) => {
    fill(connection, h("p", { class: "lost" }, ENDED[code] ?? "The server ended this conversation."));
    if (NO_LONGER[code]) reasons.set(room.slug, NO_LONGER[code]);
    refresh();
  });

  const { element, title } = header(room, searchToggle, membersToggle, leave);
  const section = h(
    "section",
    { class: "conversation", "aria-labelledby": "room-title", dataset: { connection: "connecting" }, on: { keydown: closeOnEscape } },
    element,
    connection,
    h("div", { class: "room-body" }, h("div", { class: "messages" }, search.element, log.element), panel.element),
    notice,
    typing,
    write.element,
  );
  conversation.start();
  loadMembers();
  const isTouch = matchMedia("(pointer: coarse)").matches;
  return {
    element: section,
    heading: title,
    // On a phone the keyboard would cover the messages.
    focus: () => (isTouch ? focusOn(title) : write.focus()),
    stop: () => {
      conversation.stop();
      log.stop();
      attachments.stop();
    },
  };
}
