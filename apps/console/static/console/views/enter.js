/** Sign-in and registration: one card with two faces, and the demo accounts where the server offers them. */

import { fill, focusOn, h } from "../dom.js";

const FACES = {
  in: { title: "Sign in", submit: "Sign in", other: "Make an account", question: "New here?" },
  up: { title: "Make an account", submit: "Make it and sign in", other: "Sign in", question: "Have one?" },
};
const SHORTEST = 12;

function field({ label, name, hint = "", ...props }) {
  const described = [`${name}-error`, hint && `${name}-hint`].filter(Boolean).join(" ");
  return h(
    "div",
    { class: "field" },
    h("label", { htmlFor: name }, label),
    h("input", { id: name, name, required: true, "aria-describedby": described, ...props }),
    hint && h("p", { class: "hint", id: `${name}-hint` }, hint),
    h("p", { class: "mistake", id: `${name}-error` }),
  );
}

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

/** The card. `session` does the work; `notice` says why someone is asked again. */
export function enterCard(session, notice = "") {
  let face = "in";
  const card = h("section", { class: "card enter", "aria-labelledby": "enter-title" });

  function say(form, problem) {
    const general = form.querySelector(".general");
    const unplaced = problem.errors.length === 0 || problem.errors.some((error) => !form.elements[error.field]);
    general.textContent = unplaced ? problem.words : "";
    for (const input of form.querySelectorAll("input")) {
      const about = problem.about(input.name);
      document.getElementById(`${input.name}-error`).textContent = about;
      if (about) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
    const first = form.querySelector("[aria-invalid]");
    if (first) first.focus();
    else focusOn(general);
  }

  async function submit(event) {
    event.preventDefault();
    const form = event.target;
    const { email, name, password } = Object.fromEntries(new FormData(form));
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    form.setAttribute("aria-busy", "true");
    try {
      if (face === "up") await session.register(email, name, password);
      else await session.signIn(email, password);
    } catch (problem) {
      say(form, problem);
    } finally {
      button.disabled = false;
      form.removeAttribute("aria-busy");
    }
  }

  function demo(form) {
    const accounts = demoAccounts();
    if (!accounts || face === "up") return null;
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
          h("li", {}, h("button", { type: "button", class: "chip", on: { click: () => use(email) } }, email.split("@")[0], role !== "user" && h("small", {}, role))),
        ),
      ),
      h("p", { class: "hint" }, "Demo accounts of a development server. Open a second window and be somebody else there."),
    );
  }

  function draw(reason = "") {
    const { title, submit: label, other, question } = FACES[face];
    const isNew = face === "up";
    const form = h(
      "form",
      { on: { submit } },
      h("p", { class: "general mistake", role: "alert" }, reason),
      isNew && field({ label: "Name", name: "name", autocomplete: "name", maxLength: 150 }),
      field({ label: "E-mail", name: "email", type: "email", autocomplete: "username", inputMode: "email" }),
      field({
        label: "Password",
        name: "password",
        type: "password",
        autocomplete: isNew ? "new-password" : "current-password",
        hint: isNew ? `At least ${SHORTEST} characters. A few words in a row are fine.` : "",
        ...(isNew ? { minLength: SHORTEST, maxLength: 128 } : {}),
      }),
      h("button", { type: "submit", class: "primary wide" }, label),
    );
    const turn = () => {
      face = isNew ? "in" : "up";
      draw();
      card.querySelector("input").focus();
    };
    fill(
      card,
      h("h2", { id: "enter-title" }, title),
      form,
      h("p", { class: "turn" }, question, " ", h("button", { type: "button", class: "link", on: { click: turn } }, other)),
      demo(form),
    );
  }

  draw(notice);
  return card;
}
