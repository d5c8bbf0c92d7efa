/** Small forms: a labelled field with its hint and mistake, and the round trip of a submission. Knows no call by itself. */

import { isFailure, wordsOf } from "../api.js";
import { focusOn, h } from "../dom.js";

const SHORTEST = 12;

/** A field whose mistake is told beneath it. The rest of the properties are those of the input. */
export function field({ label, name, hint = "", ...props }) {
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

/** The field of a password that is chosen now. */
export const newPassword = (label) =>
  field({
    label,
    name: "password",
    type: "password",
    autocomplete: "new-password",
    hint: `At least ${SHORTEST} characters. A few words in a row are fine.`,
    minLength: SHORTEST,
    maxLength: 128,
  });

/** Where a form says what concerns no single field. */
export const general = (words = "") => h("p", { class: "general mistake", role: "alert" }, words);

function say(form, problem) {
  const place = form.querySelector(".general");
  const { errors = [] } = problem;
  const isPlaced = errors.length > 0 && errors.every((error) => form.elements[error.field]);
  place.textContent = isPlaced ? "" : wordsOf(problem);
  mark(form, problem);
  const first = form.querySelector("[aria-invalid]");
  if (first) first.focus();
  else focusOn(place);
}

function mark(form, problem) {
  for (const input of form.querySelectorAll("input")) {
    const about = (problem?.errors ?? []).filter((error) => error.field === input.name).map((error) => error.detail).join(" ");
    form.querySelector(`#${input.name}-error`).textContent = about;
    if (about) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
}

/**
 * Run `work` with what was typed, once at a time. A failed call is told in the form: beside its fields, or above them.
 * Resolves to null when the work is done, to the failure otherwise.
 */
export async function submitted(form, work) {
  const button = form.querySelector("button[type=submit]");
  button.disabled = true;
  form.setAttribute("aria-busy", "true");
  try {
    await work(Object.fromEntries(new FormData(form)));
    form.querySelector(".general").textContent = "";
    mark(form, null);
    return null;
  } catch (problem) {
    if (!isFailure(problem)) throw problem;
    say(form, problem);
    return problem;
  } finally {
    button.disabled = false;
    form.removeAttribute("aria-busy");
  }
}
