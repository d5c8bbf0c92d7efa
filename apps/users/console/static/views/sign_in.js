/** The sign-in card with its faces: sign-in, registration, second factor, forgotten password. The welcome card. */

import { isFailure } from "../../../console/api.js";
import { fill, focusOn, h } from "../../../console/dom.js";
import { field, general, submitted } from "../../../console/form.js";
import { linkedPages, serverData } from "../../../console/registry.js";
import { requestPasswordReset } from "../mail_links.js";
import { newPassword } from "./fields.js";
import { providerButtons, providerFailure } from "./providers.js";

const FACES = {
  "sign-in": { title: "Sign in", submit: "Sign in", question: "New here?", other: "Create an account", to: "register" },
  register: { title: "Create an account", submit: "Create account", question: "Have an account?", other: "Sign in", to: "sign-in" },
  code: { title: "Second factor", submit: "Sign in", question: "Not your account?", other: "Start again", to: "sign-in" },
  forgot: { title: "Forgot your password?", submit: "Send me a link", question: "Remembered it?", other: "Sign in", to: "sign-in" },
};
const CHALLENGE_INVALID = "challenge_invalid"; // the second step took too long or failed too often
// The same for every address: who has an account stays private.
const LINK_SENT = "If this address has an account, a mail with a link is on its way to it.";

/**
 * The sign-in card. `reason` says why the user has to sign in again, `outcome` what went well before, `face` what to
 * begin with, `returned` is the answer of a provider.
 */
export function signInCard(session, { reason = "", outcome = "", face: first = "sign-in", returned = null } = {}) {
  let face = first;
  let challenge = null; // of a sign-in that waits for its second factor
  const card = h("section", { class: "card sign-in", "aria-labelledby": "sign-in-title" });

  async function submit(event) {
    event.preventDefault();
    const form = event.target;
    const outcome = card.querySelector(".outcome");
    outcome.textContent = "";
    const failure = await submitted(form, async ({ email, name, password, code }) => {
      if (face === "forgot") await requestPasswordReset(email);
      else if (face === "register") await session.register(email, name, password);
      else if (face === "code") await session.completeSignIn(challenge, code);
      else challenge = await session.signIn(email, password);
    });
    if (!failure && face === "sign-in" && challenge) {
      askForCode();
    } else if (failure?.code === CHALLENGE_INVALID) {
      face = "sign-in";
      draw({ reason: failure.message });
    }
    if (failure || face !== "forgot") return;
    outcome.textContent = LINK_SENT;
    focusOn(outcome);
  }

  function askForCode() {
    face = "code";
    draw();
    card.querySelector("#code").focus();
  }

  /** Sign in with the answer of a provider. */
  async function finish({ failure, title, ...answer }) {
    if (!failure) fill(card, h("h2", { id: "sign-in-title" }, FACES["sign-in"].title), h("p", { role: "status" }, `Signing in with ${title} …`));
    let words = failure;
    try {
      if (!failure) challenge = await session.signInWithProvider(answer);
    } catch (error) {
      if (!isFailure(error)) throw error;
      words = providerFailure(error);
    }
    if (words) fail(words);
    else if (challenge) askForCode();
  }

  function fail(words) {
    if (!card.querySelector("form")) draw();
    const general = card.querySelector(".general");
    general.textContent = words;
    focusOn(general);
  }

  function demo(form) {
    const { demo_accounts: accounts, demo_password: password } = serverData("users");
    if (!accounts || face !== "sign-in") return null;
    const use = (email) => {
      form.elements.email.value = email;
      form.elements.password.value = password;
      form.requestSubmit();
    };
    return h(
      "div",
      { class: "demo" },
      h("h3", {}, "Or sign in as"),
      h(
        "ul",
        { class: "chips" },
        accounts.map(({ email, role }) =>
          h("li", {}, h("button", { type: "button", class: "chip", on: { click: () => use(email) } }, email.split("@")[0], role !== "user" && h("small", {}, ` ${role}`))),
        ),
      ),
      h("p", { class: "hint" }, "Demo accounts of a development server. Open a second window to use two of them at once."),
    );
  }

  /** Show another face. The address that was typed stays. */
  function turn(to) {
    const value = card.querySelector("#email")?.value ?? "";
    face = to;
    draw();
    card.querySelector("#email").value = value;
    card.querySelector("input").focus();
  }

  const link = (words, to) => h("button", { type: "button", class: "link", on: { click: () => turn(to) } }, words);

  function draw(words = {}) {
    const { title, submit: label, other, question, to } = FACES[face];
    const form = h(
      "form",
      { on: { submit } },
      general(words.reason),
      h("p", { class: "outcome" }, words.outcome),
      face === "forgot" && h("p", { class: "explanation" }, "Enter the address of your account. We send it a link that sets a new password."),
      face === "register" && field({ label: "Name", name: "name", autocomplete: "name", maxLength: 150 }),
      face === "code" && field({ label: "Code", name: "code", autocomplete: "one-time-code", inputMode: "text", maxLength: 40, hint: "Six digits from your authenticator app, or a recovery code." }),
      face !== "code" && field({ label: "E-mail", name: "email", type: "email", autocomplete: "username", inputMode: "email" }),
      face === "sign-in" && field({ label: "Password", name: "password", type: "password", autocomplete: "current-password" }),
      face === "register" && newPassword("Password"),
      h("button", { type: "submit", class: "primary wide" }, label),
    );
    fill(
      card,
      h("h2", { id: "sign-in-title" }, title),
      form,
      face === "sign-in" && h("p", { class: "forgot" }, link("Forgot your password?", "forgot")),
      face === "sign-in" && providerButtons(fail),
      h("p", { class: "switch" }, question, " ", link(other, to)),
      demo(form),
    );
  }

  draw({ reason, outcome });
  if (returned) setTimeout(() => finish(returned)); // once the card is on the page, where it can be focused
  return card;
}

/** Shown to signed-in users instead of the sign-in card: a link to the first page. */
export function welcomeCard({ name }) {
  const links = [...linkedPages().map(([page, { link }]) => ({ href: `#/${page}`, label: link.label })), { href: "#/account", label: "Your account" }];
  return h(
    "section",
    { class: "card welcome", "aria-labelledby": "welcome-title" },
    h("h2", { id: "welcome-title" }, `Welcome, ${name}`),
    h("ul", {}, links.map(({ href, label }, index) => h("li", {}, h("a", { class: index === 0 ? "primary wide" : "", href }, label)))),
  );
}
