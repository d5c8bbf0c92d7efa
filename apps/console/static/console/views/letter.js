/** What a person sees who followed the link of a mail: what has become of an address, or a form for a new password. */

import { wordsOf } from "../api.js";
import { fill, focusOn, h } from "../dom.js";
import { confirmEmail, setPassword, verifyEmail } from "../letters.js";
import { general, newPassword, submitted } from "./form.js";

const UNUSABLE = "token_unusable";

const heading = (words) => h("h2", { id: "letter-title" }, words);
const button = (words, click) => h("button", { type: "button", class: "primary wide", on: { click } }, words);

// What a link about an address does, and what is said while, after, and instead of it.
const VERIFY = {
  call: verifyEmail,
  begun: "Verifying your address …",
  done: () => ["Your address is verified", "Thank you. Mails to this address reach you."],
  failed: "Your address was not verified",
};
const MOVE = {
  call: confirmEmail,
  begun: "Moving your account …",
  done: ({ completed }) =>
    completed
      ? ["Your account has its new address", "Sign in with it from now on."]
      : ["Thank you", "The other address has to agree as well: look for the mail that was sent there."],
  failed: "Your account was not moved",
};

function aboutAddress({ call, begun, done, failed }, token, onward) {
  const card = h("section", { class: "card enter", "aria-labelledby": "letter-title" });

  function tell(title, words, control) {
    fill(card, heading(title), h("p", { class: "explanation" }, words), control);
    focusOn(card.querySelector("h2"));
  }

  async function follow() {
    fill(card, heading(begun));
    let answer;
    try {
      answer = await call(token);
    } catch (problem) {
      const said = wordsOf(problem);
      const isOver = problem.status === 400;
      // The server's words for a used link advise to ask for a new one, which for this kind nobody has to.
      const words = problem.code === UNUSABLE ? "This link is not valid any more: it was followed before, or it is too old." : said;
      tell(failed, words, isOver ? button("Go on", () => onward()) : button("Try again", follow));
      return;
    }
    tell(...done(answer), button("Go on", () => onward()));
  }

  follow();
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
    fill(card, heading("The password was not changed"), h("p", { class: "explanation" }, wordsOf(problem)), ask);
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
  if (action === "verify-email") return aboutAddress(VERIFY, token, onward);
  if (action === "confirm-email") return aboutAddress(MOVE, token, onward);
  return newPasswordForm(token, onward, session);
}
