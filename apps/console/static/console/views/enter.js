/**
 * Sign-in and its second step, registration, a forgotten password: one card with four faces; the providers and the demo
 * accounts where there are any.
 */

import { isFailure } from "../api.js";
import { fill, focusOn, h } from "../dom.js";
import { askForNewPassword } from "../letters.js";
import { field, general, newPassword, submitted } from "./form.js";
import { doors, failureOf } from "./providers.js";

const FACES = {
  in: { title: "Sign in", submit: "Sign in", question: "New here?", other: "Make an account", turn: "up" },
  up: { title: "Make an account", submit: "Make it and sign in", question: "Have one?", other: "Sign in", turn: "in" },
  code: { title: "One more step", submit: "Sign in", question: "Somebody else?", other: "Start again", turn: "in" },
  lost: { title: "Forgot your password?", submit: "Send me a link", question: "Remembered it?", other: "Sign in", turn: "in" },
};
const OVER = "challenge_invalid"; // the second step took too long, or went wrong too often
// Said of every address: who has an account here is nobody else's business.
const ON_ITS_WAY = "If this address has an account, a mail with a link is on its way to it.";

/** The demo accounts that the page came with; none outside development. */
function demoAccounts() {
  const source = document.getElementById("demo-accounts");
  if (!source) return null;
  const { password } = source.dataset;
  return {
    password,
    people: [...source.content.querySelectorAll("[data-email]")].map(({ dataset }) => ({ ...dataset })),
  };
}

/**
 * The card. `session` does the work; `reason` says why someone is asked again, `news` what has gone well before, `face`
 * what to begin with: in, up or lost; `returned` is what a provider has sent the browser back with.
 */
export function enterCard(session, { reason = "", news = "", face: first = "in", returned = null } = {}) {
  let face = first;
  let challenge = null; // of a sign-in that waits for its second step
  const card = h("section", { class: "card enter", "aria-labelledby": "enter-title" });

  async function submit(event) {
    event.preventDefault();
    const form = event.target;
    const told = card.querySelector(".told");
    told.textContent = "";
    const problem = await submitted(form, async ({ email, name, password, code }) => {
      if (face === "lost") await askForNewPassword(email);
      else if (face === "up") await session.register(email, name, password);
      else if (face === "code") await session.completeSignIn(challenge, code);
      else challenge = await session.signIn(email, password);
    });
    if (!problem && face === "in" && challenge) {
      askForCode();
    } else if (problem?.code === OVER) {
      face = "in";
      draw({ reason: problem.message });
    }
    if (problem || face !== "lost") return;
    told.textContent = ON_ITS_WAY;
    focusOn(told);
  }

  function askForCode() {
    face = "code";
    draw();
    card.querySelector("#code").focus();
  }

  /** Come in with what a provider has sent the browser back with. */
  async function arrive({ refusal, title, ...back }) {
    if (!refusal) fill(card, h("h2", { id: "enter-title" }, FACES.in.title), h("p", { role: "status" }, `Coming in from ${title} …`));
    let words = refusal;
    try {
      if (!refusal) challenge = await session.signInFrom(back);
    } catch (error) {
      if (!isFailure(error)) throw error;
      words = failureOf(error);
    }
    if (words) fail(words);
    else if (challenge) askForCode();
  }

  function fail(words) {
    if (!card.querySelector("form")) draw();
    const place = card.querySelector(".general");
    place.textContent = words;
    focusOn(place);
  }

  function demo(form) {
    const accounts = demoAccounts();
    if (!accounts || face !== "in") return null;
    const use = (email) => {
      form.elements.email.value = email;
      form.elements.password.value = accounts.password;
      form.requestSubmit();
    };
    return h(
      "div",
      { class: "demo" },
      h("h3", {}, "Or come in as"),
      h(
        "ul",
        { class: "chips" },
        accounts.people.map(({ email, role }) =>
          h("li", {}, h("button", { type: "button", class: "chip", on: { click: () => use(email) } }, email.split("@")[0], role !== "user" && h("small", {}, ` ${role}`))),
        ),
      ),
      h("p", { class: "hint" }, "Demo accounts of a development server. Open a second window and be somebody else there."),
    );
  }

  /** Show another face; the address that was typed stays. */
  function turn(to) {
    const value = card.querySelector("#email")?.value ?? "";
    face = to;
    draw();
    card.querySelector("#email").value = value;
    card.querySelector("input").focus();
  }

  const turner = (words, to) => h("button", { type: "button", class: "link", on: { click: () => turn(to) } }, words);

  function draw(words = {}) {
    const { title, submit: label, other, question, turn: to } = FACES[face];
    const form = h(
      "form",
      { on: { submit } },
      general(words.reason),
      h("p", { class: "told" }, words.news),
      face === "lost" && h("p", { class: "explanation" }, "Give the address of your account, and a link that sets a new password is sent there."),
      face === "up" && field({ label: "Name", name: "name", autocomplete: "name", maxLength: 150 }),
      face === "code" && field({ label: "Code", name: "code", autocomplete: "one-time-code", inputMode: "text", maxLength: 40, hint: "Six digits of your authenticator app, or one of your recovery codes." }),
      face !== "code" && field({ label: "E-mail", name: "email", type: "email", autocomplete: "username", inputMode: "email" }),
      face === "in" && field({ label: "Password", name: "password", type: "password", autocomplete: "current-password" }),
      face === "up" && newPassword("Password"),
      h("button", { type: "submit", class: "primary wide" }, label),
    );
    fill(
      card,
      h("h2", { id: "enter-title" }, title),
      form,
      face === "in" && h("p", { class: "forgot" }, turner("Forgot your password?", "lost")),
      face === "in" && doors(fail),
      h("p", { class: "turn" }, question, " ", turner(other, to)),
      demo(form),
    );
  }

  draw({ reason, news });
  if (returned) setTimeout(() => arrive(returned)); // when the card is on the page, where it can have the focus
  return card;
}

/** What stands there instead for whoever is in. */
export function insideCard({ name }) {
  return h(
    "section",
    { class: "card inside", "aria-labelledby": "inside-title" },
    h("h2", { id: "inside-title" }, `Welcome, ${name}`),
    h("a", { class: "primary wide", href: "#/rooms" }, "Go to your rooms"),
    h("p", { class: "turn" }, h("a", { href: "#/news" }, "News"), " · ", h("a", { href: "#/account" }, "Your account")),
  );
}
