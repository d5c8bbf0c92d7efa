/** What a person sees who followed the link of a mail: whether the address is verified, or a form for a new password. */

import { Problem } from "../api.js";
import { fill, focusOn, h } from "../dom.js";
import { setPassword, verifyEmail } from "../letters.js";
import { general, newPassword, submitted } from "./form.js";

const UNUSABLE = "token_unusable";

const heading = (words) => h("h2", { id: "letter-title" }, words);
const button = (words, click) => h("button", { type: "button", class: "primary wide", on: { click } }, words);

function verification(token, onward) {
  const card = h("section", { class: "card enter", "aria-labelledby": "letter-title" });

  function tell(title, words, control) {
    fill(card, heading(title), h("p", { class: "explanation" }, words), control);
    focusOn(card.querySelector("h2"));
  }

  async function verify() {
    fill(card, heading("Verifying your address …"));
    try {
      await verifyEmail(token);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      const isOver = problem.status === 400;
      // The server's words for a used link advise to ask for a new one, which for this kind nobody has to.
      const words = problem.code === UNUSABLE ? "This link is not valid any more: it was followed before, or it is too old." : problem.words;
      tell("Your address was not verified", words, isOver ? button("Go on", () => onward()) : button("Try again", verify));
      return;
    }
    tell("Your address is verified", "Thank you. Mails to this address reach you.", button("Go on", () => onward()));
  }

  verify();
  return card;
}

function newPasswordForm(token, onward, session) {
  async function submit(event) {
    event.preventDefault();
    const problem = await submitted(form, ({ password }) => setPassword(token, password));
    if (!problem) onward({ news: "Your new password is set. Sign in with it.", isSignedOut: true });
    else if (problem.code === UNUSABLE) giveUp(problem);
  }

  /** No password will ever be taken by this link: lead to where another one is asked for. */
  function giveUp(problem) {
    const ask = session.user ? button("Go on", () => onward()) : button("Ask for a new link", () => onward({ face: "lost" }));
    fill(card, heading("The password was not changed"), h("p", { class: "explanation" }, problem.words), ask);
    focusOn(card.querySelector("h2"));
  }

  const form = h(
    "form",
    { on: { submit } },
    general(),
    h("p", { class: "explanation" }, "Every device of your account is signed out by it."),
    newPassword("New password"),
    h("button", { type: "submit", class: "primary wide" }, "Set the password"),
  );
  const keep = h("button", { type: "button", class: "link", on: { click: () => onward() } }, "Keep the old one");
  const card = h(
    "section",
    { class: "card enter", "aria-labelledby": "letter-title" },
    heading("Set a new password"),
    form,
    h("p", { class: "turn" }, "Remembered it? ", keep),
  );
  return card;
}

/**
 * The card of a link. `onward` is called when there is no more to do here, with `news` and `face` for the entrance, and
 * with `isSignedOut` where the server has ended every session of the account.
 */
export function letterCard({ action, token }, { session, onward }) {
  return action === "verify-email" ? verification(token, onward) : newPasswordForm(token, onward, session);
}
