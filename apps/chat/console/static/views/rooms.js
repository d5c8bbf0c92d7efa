/** The list of rooms: the user's with their unread counts, others to join, invitations, and a form for a new room. */

import { avatar } from "../../../console/avatar.js";
import { api, data, messageFor } from "../../../console/api.js";
import { closesOnEscape, fill, h, icon } from "../../../console/dom.js";
import { refresh, store } from "../room_list.js";
import { invitationList } from "./invitations.js";

function entry(room, isOpen) {
  const unread = isOpen ? 0 : room.unread;
  return h(
    "li",
    {},
    h(
      "a",
      { href: `#/rooms/${encodeURIComponent(room.slug)}`, class: unread ? "room unread" : "room", "aria-current": isOpen ? "page" : null, on: { click: () => isOpen && document.getElementById("message")?.focus() } },
      avatar(room.slug, room.name),
      h("span", { class: "name" }, room.name),
      room.is_private && h("span", { class: "mark" }, icon("lock"), h("span", { class: "hidden" }, "private")),
      unread > 0 && h("span", { class: "badge" }, unread > 99 ? "99+" : unread, h("span", { class: "hidden" }, " unread")),
    ),
  );
}

/** Up, Down, Home and End move the focus between rooms. */
function moveFocus(event) {
  const links = [...event.currentTarget.querySelectorAll("a.room")];
  const here = links.indexOf(document.activeElement);
  const last = links.length - 1;
  const next = { ArrowDown: Math.min(here + 1, last), ArrowUp: Math.max(here - 1, 0), Home: 0, End: last }[event.key];
  if (next === undefined || here < 0) return;
  event.preventDefault();
  links[next].focus();
}

function newRoomForm(created) {
  const failure = h("p", { class: "error", id: "room-error", role: "alert" });
  const name = h("input", { id: "room-name", name: "name", required: true, maxLength: 80, autocomplete: "off", "aria-describedby": "room-error" });
  const isPrivate = h("input", { id: "room-private", type: "checkbox", name: "private" });
  const form = h(
    "form",
    { class: "new-room-form" },
    h("div", { class: "field" }, h("label", { htmlFor: "room-name" }, "Name"), name),
    h("label", { class: "check", htmlFor: "room-private" }, isPrivate, "By invitation only"),
    failure,
    h("button", { type: "submit", class: "primary wide" }, "Create room"),
  );
  const details = h("details", { class: "new-room" }, h("summary", {}, icon("plus"), "New room"), form);
  details.addEventListener("toggle", () => details.open && name.focus());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    failure.textContent = "";
    const body = { name: name.value.trim(), is_private: isPrivate.checked };
    try {
      const room = await data(api.chatRoomsCreate({ body }));
      form.reset();
      details.open = false;
      created(room.slug);
    } catch (error) {
      failure.textContent = messageFor(error);
      name.focus();
    }
  });
  return closesOnEscape(details);
}

/** The panel. It follows the store. Returns {element, stop}. */
export function roomsPanel() {
  const list = h("div", { class: "room-lists", on: { keydown: moveFocus } });

  async function enter(slug) {
    await refresh();
    location.hash = `#/rooms/${encodeURIComponent(slug)}`;
  }

  function draw() {
    const { rooms, open } = store.get();
    if (!rooms) {
      fill(list, h("p", { class: "hint delayed" }, "Loading …"));
      return;
    }
    const focused = list.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const group = (title, id, some) =>
      some.length > 0 && [h("h3", { id }, title), h("ul", { "aria-labelledby": id }, some.map((room) => entry(room, room.slug === open)))];
    fill(
      list,
      group("Your rooms", "rooms-own", rooms.filter((room) => room.isMember)),
      group("Open to everyone", "rooms-open", rooms.filter((room) => !room.isMember)),
      rooms.length === 0 && h("p", { class: "hint" }, "There are no rooms yet. Create the first one."),
    );
    if (focused) [...list.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
  }

  const invitations = invitationList({ accepted: enter });
  const stops = [store.watch("rooms", () => { draw(); invitations.refresh(); }), store.watch("open", draw)];
  return {
    element: h("nav", { class: "rooms", "aria-label": "Rooms" }, h("h2", {}, "Rooms"), invitations.element, list, newRoomForm(enter)),
    stop: () => stops.forEach((stop) => stop()),
  };
}
