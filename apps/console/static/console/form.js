/** Forms: labelled fields with hints and errors, and the submission of a form. */

import { isFailure, messageFor } from "./api.js";
import { focusOn, h } from "./dom.js";

/** A labelled field with its hint and its error. All other properties are those of the input. */
export function field({ label, name, hint = "", ...props }) {
  const described = [`${name}-error`, hint && `${name}-hint`].filter(Boolean).join(" ");
  return h(
    "div",
    { class: "field" },
    h("label", { htmlFor: name }, label),
    h("input", { id: name, name, required: true, "aria-describedby": described, ...props }),
    hint && h("p", { class: "hint", id: `${name}-hint` }, hint),
    h("p", { class: "error", id: `${name}-error` }),
  );
}

/** The element for errors that belong to no single field. */
export const general = (words = "") => h("p", { class: "general error", role: "alert" }, words);

function showFailure(form, failure) {
  const general = form.querySelector(".general");
  const { errors = [] } = failure;
  const isPlaced = errors.length > 0 && errors.every((error) => form.elements[error.field]);
  general.textContent = isPlaced ? "" : messageFor(failure);
  markFields(form, errors);
  const first = form.querySelector("[aria-invalid]");
  if (first) first.focus();
  else focusOn(general);
}

function markFields(form, errors) {
  for (const input of form.querySelectorAll("input")) {
    const words = errors.filter((error) => error.field === input.name).map((error) => error.detail).join(" ");
    form.querySelector(`#${input.name}-error`).textContent = words;
    if (words) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
}

/**
 * Call `work(values)` with the values of a form, one submission at a time. A failed call is shown beside its fields, or
 * above them. Resolves to the failure, or to null on success.
 */
export async function submitted(form, work) {
  const button = form.querySelector("button[type=submit]");
  button.disabled = true;
  form.setAttribute("aria-busy", "true");
  try {
    await work(Object.fromEntries(new FormData(form)));
    form.querySelector(".general").textContent = "";
    markFields(form, []);
    return null;
  } catch (error) {
    if (!isFailure(error)) throw error;
    showFailure(form, error);
    return error;
  } finally {
    button.disabled = false;
    form.removeAttribute("aria-busy");
  }
}

/** A form that shows the outcome beneath its button. `work(values, form)` resolves to the text to show. */
export function formWithOutcome(label, work, ...fields) {
  const outcome = h("p", { class: "outcome", role: "status" });
  const form = h("form", {}, general(), fields, h("button", { type: "submit", class: "quiet" }, label), outcome);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    outcome.textContent = "";
    let words = "";
    const failure = await submitted(form, async (values) => {
      words = await work(values, form);
    });
    if (!failure) outcome.textContent = words;
  });
  return form;
}
