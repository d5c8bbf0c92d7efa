/** Buttons for sign-in providers, and the card of the accounts at providers that are linked to the user's account. */

import { api, data, isFailure, messageFor, NetworkError } from "../../../console/api.js";
import { confirm } from "../../../console/confirm.js";
import { fill, focusOn, h } from "../../../console/dom.js";
import { dayOf } from "../../../console/text.js";
import { goToProvider, providers } from "../providers.js";

/** The text for a failed sign-in or link with a provider. Throws what is not a failed call. */
export const providerFailure = (error) => (error instanceof NetworkError ? "The server did not respond. Start again." : messageFor(error));

/** A button that leads to a provider. `failed(words)` is called if it cannot. */
function providerButton(provider, label, purpose, failed) {
  const button = h("button", { type: "button", class: "quiet wide" }, label);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await goToProvider(provider, purpose);
    } catch (error) {
      if (!isFailure(error)) throw error;
      failed(providerFailure(error));
    } finally {
      button.disabled = false; // it can be used again after the browser's back button
    }
  });
  return h("li", {}, button);
}

/** Buttons of all providers for the sign-in card. Hidden if there are none. */
export function providerButtons(failed) {
  const element = h("div", { class: "providers", hidden: true });
  providers().then((all) => {
    element.hidden = all.length === 0;
    fill(element, h("p", { class: "or" }, "or"), h("ul", {}, all.map((one) => providerButton(one, `Continue with ${one.title}`, "sign-in", failed))));
  });
  return element;
}

/** The card of linked accounts; `returned` is the answer of a provider to a link that was just requested, or null. */
export function linkedAccountsCard({ card, returned }) {
  const failure = h("p", { class: "error", role: "alert" });
  const outcome = h("p", { class: "outcome", role: "status" });
  const list = h("ul", { class: "entries" });
  const links = h("ul", { class: "providers" });
  const element = card("account-providers", "Linked accounts", h("p", { class: "hint" }, "Sign in to this account with an account at another provider, without its password."), failure, outcome, list, links);
  element.hidden = true;

  const fail = (words) => {
    outcome.textContent = "";
    failure.textContent = words;
    element.hidden = false;
    focusOn(failure);
  };

  async function guarded(work) {
    failure.textContent = outcome.textContent = "";
    try {
      await work();
    } catch (error) {
      if (!isFailure(error)) throw error;
      fail(providerFailure(error));
    }
  }

  async function unlink({ id }, title) {
    if (!(await confirm(`Unlink ${title}?`, "You can no longer sign in to your account with it.", "Unlink"))) return;
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
    fill(links, known.filter(({ name }) => !linked.has(name)).map((one) => providerButton(one, `Link ${one.title}`, "link", fail)));
    element.hidden = known.length + results.length === 0;
  }

  async function start() {
    if (returned?.failure) fail(returned.failure);
    else if (returned) {
      await guarded(async () => {
        await api.usersMeIdentitiesLink({ path: { provider: returned.name }, body: returned.body });
        outcome.textContent = `You can now sign in with ${returned.title}.`;
      });
    }
    try {
      await show();
    } catch (error) {
      if (!isFailure(error)) throw error;
      fail(messageFor(error));
    }
    if (outcome.textContent) focusOn(outcome);
  }

  start();
  return element;
}
