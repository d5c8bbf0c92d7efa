/** The card for the link of a mail: what became of an address, or a form for a new password. */

import { messageFor } from "../../../console/api.js";
import { fill, focusOn, h } from "../../../console/dom.js";
import { general, submitted } from "../../../console/form.js";
import { confirmEmail, resetPassword, verifyEmail } from "../mail_links.js";
import { newPassword } from "./fields.js";

const TOKEN_UNUSABLE = "token_unusable";

const heading = (words) => h("h2", { id: "mail-link-title" }, words);
const button = (words, click) => h("button", { type: "button", class: "primary wide", on: { click } }, words);

// What each link about an address calls, and the texts before and after.
const VERIFY = {
  call: verifyEmail,
  pending: "Verifying your address …",
  done: () => ["Your address is verified", "You receive mails at this address."],
  failed: "Your address was not verified",
};
const CHANGE = {
  call: confirmEmail,
  pending: "Changing your address …",
  done: ({ completed }) =>
    completed
      ? ["Your address is changed", "Sign in with the new address from now on."]
      : ["Confirmed", "The other address has to confirm as well. Follow the link in the mail that was sent there."],
  failed: "Your address was not changed",
};

function addressCard({ call, pending, done, failed }, token, leave) {
  const card = h("section", { class: "card sign-in", "aria-labelledby": "mail-link-title" });

  function showOutcome(title, words, control) {
    fill(card, heading(title), h("p", { class: "explanation" }, words), control);
    focusOn(card.querySelector("h2"));
  }

  async function follow() {
    fill(card, heading(pending));
    let answer;
    try {
      answer = await call(token);
    } catch (error) {
      // The server's text for a used link suggests to request another one, which is not needed here.
      const words = error.code === TOKEN_UNUSABLE ? "This link is no longer valid. It was used before, or it has expired." : messageFor(error);
      showOutcome(failed, words, error.status === 400 ? button("Continue", () => leave()) : button("Try again", follow));
      return;
    }
    showOutcome(...done(answer), button("Continue", () => leave()));
  }

  follow();
  return card;
}

function passwordCard(token, leave, session) {
  async function submit(event) {
    event.preventDefault();
    const failure = await submitted(form, ({ password }) => resetPassword(token, password));
    if (!failure) leave({ outcome: "Your new password is set. Sign in with it.", isSignedOut: true });
    else if (failure.code === TOKEN_UNUSABLE) giveUp(failure);
  }

  /** The link is spent: lead to where another one is requested. */
  function giveUp(failure) {
    const next = session.user ? button("Continue", () => leave()) : button("Request a new link", () => leave({ face: "forgot" }));
    fill(card, heading("The password was not changed"), h("p", { class: "explanation" }, messageFor(failure)), next);
    focusOn(card.querySelector("h2"));
  }

  const form = h(
    "form",
    { on: { submit } },
    general(),
    h("p", { class: "explanation" }, "This signs out every device of your account."),
    newPassword("New password"),
    h("button", { type: "submit", class: "primary wide" }, "Set password"),
  );
  const keep = h("button", { type: "button", class: "link", on: { click: () => leave() } }, "Keep the old one");
  const card = h(
    "section",
    { class: "card sign-in", "aria-labelledby": "mail-link-title" },
    heading("Set a new password"),
    form,
    h("p", { class: "switch" }, "Remembered it? ", keep),
  );
  return card;
}

/**
 * The card for a link. `leave` is called when there is nothing more to do, with `outcome` and `face` for the sign-in
 * card, and with `isSignedOut` if the server has ended every session of the account.
 */
export function mailLinkCard({ action, token }, { session, leave }) {
  if (action === "verify-email") return addressCard(VERIFY, token, leave);
  if (action === "confirm-email") return addressCard(CHANGE, token, leave);
  return passwordCard(token, leave, session);
}
