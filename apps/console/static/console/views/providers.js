/** The doors of providers outside: buttons for the entrance, and the card of those that open one's account. */

import { api, data, isFailure, NetworkError, wordsOf } from "../api.js";
import { fill, focusOn, h } from "../dom.js";
import { leaveFor, providers } from "../providers.js";
import { dayOf } from "../text.js";
import { ask } from "./ask.js";

/** What became of a sign-in or a link that was begun at a provider and failed here. Throws on what is no failure of a call. */
export const failureOf = (error) => (error instanceof NetworkError ? "The server did not answer. Begin again." : wordsOf(error));

/** A button that leads to a provider; `failed(words)` is told why it does not. */
function door(provider, label, aim, failed) {
  const button = h("button", { type: "button", class: "quiet wide" }, label);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await leaveFor(provider, aim);
    } catch (error) {
      if (!isFailure(error)) throw error;
      failed(failureOf(error));
    } finally {
      button.disabled = false; // whoever comes back by the browser's own button may press it again
    }
  });
  return h("li", {}, button);
}

/** Buttons for everybody who is at the entrance; nothing is seen where there are no providers. */
export function doors(failed) {
  const place = h("div", { class: "doors", hidden: true });
  providers().then((some) => {
    place.hidden = some.length === 0;
    fill(place, h("p", { class: "or" }, "or"), h("ul", {}, some.map((one) => door(one, `Continue with ${one.title}`, "enter", failed))));
  });
  return place;
}

/** The card of the account; `returned` is what a provider has just sent the browser back with, if one has. */
export function identitiesCard({ card, returned }) {
  const mistake = h("p", { class: "mistake", role: "alert" });
  const outcome = h("p", { class: "told", role: "status" });
  const list = h("ul", { class: "devices" });
  const links = h("ul", { class: "doors" });
  const element = card("account-providers", "Other ways in", h("p", { class: "hint" }, "An account elsewhere that opens this one, too, without its password."), mistake, outcome, list, links);
  element.hidden = true;

  const failed = (words) => {
    outcome.textContent = "";
    mistake.textContent = words;
    element.hidden = false;
    focusOn(mistake);
  };

  async function guarded(work) {
    mistake.textContent = outcome.textContent = "";
    try {
      await work();
    } catch (error) {
      if (!isFailure(error)) throw error;
      failed(failureOf(error));
    }
  }

  async function unlink({ id }, title) {
    if (!(await ask(`Unlink ${title}?`, "It does not open your account any more.", "Unlink it"))) return;
    await guarded(async () => {
      await api.usersMeIdentitiesUnlink({ path: { identity_id: id } });
      await show();
      outcome.textContent = `${title} is unlinked.`;
    });
  }

  async function show() {
    const [known, { results }] = await Promise.all([providers(), data(api.usersMeIdentities())]);
    const titleOf = (name) => known.find((one) => one.name === name)?.title ?? name;
    const linked = new Set(results.map(({ provider }) => provider));
    fill(list, results.map((one) => {
      const title = titleOf(one.provider);
      const since = `since ${dayOf(one.created_at)}`;
      return h("li", {}, h("span", {}, title, h("small", {}, since)), h("button", { type: "button", class: "quiet", on: { click: () => unlink(one, title) } }, "Unlink", h("span", { class: "hidden" }, ` ${title}`)));
    }));
    fill(links, known.filter(({ name }) => !linked.has(name)).map((one) => door(one, `Link ${one.title}`, "link", failed)));
    element.hidden = known.length + results.length === 0;
  }

  async function arrive() {
    if (returned?.refusal) failed(returned.refusal);
    else if (returned) {
      await guarded(async () => {
        await api.usersMeIdentitiesLink({ path: { provider: returned.name }, body: returned.body });
        outcome.textContent = `${returned.title} opens your account from now on.`;
      });
    }
    try {
      await show();
    } catch (error) {
      if (!isFailure(error)) throw error;
      failed(wordsOf(error));
    }
    if (outcome.textContent) focusOn(outcome);
  }

  arrive();
  return element;
}
