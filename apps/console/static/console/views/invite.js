/** Invitations: the form of those who may invite, and the cards of those who are invited. */

import { api, data, isFailure, wordsOf } from "../api.js";
import { announce, closesOnEscape, fill, h, icon } from "../dom.js";
import { field, general, submitted } from "./form.js";

/** A form that invites by address. It answers alike for every address: who has an account is nobody else's business. */
export function invitationForm(slug) {
  const told = h("p", { class: "told", role: "status" });
  const form = h(
    "form",
    {},
    general(),
    field({ label: "E-mail", name: "email", type: "email", inputMode: "email", autocomplete: "off" }),
    h("button", { type: "submit", class: "quiet wide" }, "Invite"),
    told,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    told.textContent = "";
    const problem = await submitted(form, ({ email }) => api.chatInvitationsSend({ path: { slug }, body: { email } }));
    if (problem) return;
    form.reset();
    told.textContent = "Invited. Whoever has verified this address finds it above their rooms.";
  });
  return closesOnEscape(h("details", { class: "invite" }, h("summary", {}, icon("plus"), "Invite somebody"), form));
}

/** The invitations one has. `refresh()` asks for them anew, `joined(slug)` is called when one was accepted. */
export function myInvitations({ joined }) {
  const list = h("ul", { class: "invitations", "aria-label": "Invitations", hidden: true });

  async function answer(act, invitation, then) {
    try {
      await act({ path: { invitation_id: invitation.id } });
      then();
    } catch (error) {
      announce(wordsOf(error));
    }
    await refresh();
  }

  function card(invitation) {
    const { room, room_name: name, invited_by_name: by } = invitation;
    return h(
      "li",
      {},
      h("p", {}, h("strong", {}, by), " invites you to ", h("strong", {}, name)),
      h(
        "div",
        { class: "row" },
        h("button", { type: "button", class: "primary", on: { click: () => answer(api.chatMyInvitationsAccept, invitation, () => joined(room)) } }, "Join", h("span", { class: "hidden" }, ` ${name}`)),
        h("button", { type: "button", class: "quiet", on: { click: () => answer(api.chatMyInvitationsDecline, invitation, () => announce("Declined.")) } }, "Decline", h("span", { class: "hidden" }, ` ${name}`)),
      ),
    );
  }

  async function refresh() {
    try {
      const { results } = await data(api.chatMyInvitationsList());
      list.hidden = results.length === 0;
      fill(list, results.map(card));
    } catch (error) {
      if (!isFailure(error)) throw error; // the next round asks again
    }
  }

  return { element: list, refresh };
}
