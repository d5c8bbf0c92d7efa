/** Invitations: the form of moderators, and the cards of those that the user has received. */

import { api, data, isFailure, messageFor } from "../../../console/api.js";
import { announce, closesOnEscape, fill, h, icon } from "../../../console/dom.js";
import { field, formWithOutcome } from "../../../console/form.js";

/** A form that invites by address. The outcome is the same for every address: who has an account stays private. */
export function invitationForm(slug) {
  const invite = formWithOutcome("Invite", async ({ email }, form) => {
    await api.chatInvitationsSend({ path: { slug }, body: { email } });
    form.reset();
    return "Invited. The invitation appears above the rooms of the account that has verified this address.";
  }, field({ label: "E-mail", name: "email", type: "email", inputMode: "email", autocomplete: "off" }));
  return closesOnEscape(h("details", { class: "invite" }, h("summary", {}, icon("plus"), "Invite a member"), invite));
}

/** The invitations of the user. `refresh()` loads them again, `accepted(slug)` is called when the user has joined a room. */
export function invitationList({ accepted }) {
  const list = h("ul", { class: "invitations", "aria-label": "Invitations", hidden: true });

  async function answer(call, invitation, then) {
    try {
      await call({ path: { invitation_id: invitation.id } });
      then();
    } catch (error) {
      announce(messageFor(error));
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
        h("button", { type: "button", class: "primary", on: { click: () => answer(api.chatMyInvitationsAccept, invitation, () => accepted(room)) } }, "Join", h("span", { class: "hidden" }, ` ${name}`)),
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
      if (!isFailure(error)) throw error; // the next refresh tries again
    }
  }

  return { element: list, refresh };
}
