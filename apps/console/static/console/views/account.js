/** One's own account: name and picture, address, password, second factor, providers, the devices that are signed in. */

import { api, data, isFailure, open, wordsOf } from "../api.js";
import { announce, fill, focusOn, h } from "../dom.js";
import { dayOf, timeOf } from "../text.js";
import { ask } from "./ask.js";
import { field, general, newPassword, submitted } from "./form.js";
import { identitiesCard } from "./providers.js";
import { secondFactorCard } from "./second.js";

/** A form whose outcome is told beneath it. `work(values)` resolves to what to say. */
function told(label, work, ...fields) {
  const outcome = h("p", { class: "told", role: "status" });
  const form = h("form", {}, general(), fields, h("button", { type: "submit", class: "quiet" }, label), outcome);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    outcome.textContent = "";
    let words = "";
    const problem = await submitted(form, async (values) => { words = await work(values, form); });
    if (!problem) outcome.textContent = words;
  });
  return form;
}

const card = (id, title, ...inside) => h("section", { class: "card", "aria-labelledby": id }, h("h2", { id }, title), inside);

function profile(session) {
  const { user } = session;
  const picture = h("span", { class: "portrait" }, user.avatar && h("img", { src: user.avatar, alt: "Your picture", width: 96, height: 96 }));
  const names = told("Save", async ({ name }) => {
    await session.changed(await data(api.usersMeUpdate({ body: { name } })));
    return "Saved.";
  }, field({ label: "Name", name: "name", autocomplete: "name", maxLength: 100, value: user.name }));
  const pictures = told("Use this picture", async ({ avatar }, form) => {
    await session.changed(await data(api.usersMeAvatarSet({ body: { avatar } })));
    form.reset();
    fill(picture, h("img", { src: session.user.avatar, alt: "Your picture", width: 96, height: 96 }));
    return "This is your picture now.";
  }, field({ label: "Picture", name: "avatar", type: "file", accept: "image/png,image/jpeg,image/webp,image/gif", hint: "PNG, JPEG, WebP or GIF, no animation." }));
  return card("account-profile", "You", picture, names, pictures);
}

function address({ user }) {
  if (user.email_verified) return card("account-email", "Address", h("p", {}, user.email, " · verified"));
  const again = told("Send the mail once more", async () => {
    await open.authEmailResend({ body: { email: user.email } });
    return "If it was not verified yet, a mail is on its way.";
  });
  return card("account-email", "Address", h("p", {}, user.email, " · not verified yet"), again);
}

function password(session) {
  const form = told("Change the password", async ({ current, password: chosen }) => {
    await api.usersMePassword({ body: { current_password: current, new_password: chosen } });
    session.end("Your password is changed. Sign in with the new one.");
    return "";
  }, field({ label: "Current password", name: "current", type: "password", autocomplete: "current-password" }), newPassword("New password"));
  return card("account-password", "Password", h("p", { class: "hint" }, "Every device is signed out by it, this one too."), form);
}

/** A browser and its system out of what it says of itself; all of it where that is not known. */
function deviceOf(agent) {
  const browser = /(Firefox|Edg|OPR|Chrome|Safari)\//.exec(agent)?.[1].replace("Edg", "Edge").replace("OPR", "Opera");
  const system = /(Windows|Android|iPhone|iPad|Mac OS X|Linux)/.exec(agent)?.[1].replace("Mac OS X", "macOS");
  return browser ? `${browser}${system ? ` on ${system}` : ""}` : agent || "a client without a name";
}

function devices() {
  const list = h("ul", { class: "devices" });

  async function end(one) {
    if (!(await ask("Sign this device out?", `${deviceOf(one.user_agent)}, in use since ${dayOf(one.created_at)}.`, "Sign it out"))) return;
    try {
      await api.usersMeSessionsEnd({ path: { session_id: one.id } });
      announce("It is signed out.");
    } catch (error) {
      announce(wordsOf(error));
    }
    await show();
  }

  async function show() {
    try {
      const { results } = await data(api.usersMeSessions());
      fill(list, results.map((one) =>
        h("li", {}, h("span", {}, deviceOf(one.user_agent), h("small", {}, ` ${one.network} · seen ${dayOf(one.last_seen_at)} ${timeOf(one.last_seen_at)}`)), one.is_current ? h("small", {}, "this one") : h("button", { type: "button", class: "quiet", on: { click: () => end(one) } }, "Sign out", h("span", { class: "hidden" }, ` ${deviceOf(one.user_agent)}`))),
      ));
    } catch (error) {
      if (!isFailure(error)) throw error;
      fill(list, h("li", {}, wordsOf(error)));
    }
  }

  show();
  return card("account-devices", "Signed-in devices", list);
}

/** The view; `signOut()` is the header's, `returned` what a provider has sent the browser back with. Returns {element, heading, title, stop}. */
export function accountView(session, { signOut, returned }) {
  const heading = h("h1", {}, "Your account");
  const out = h("button", { type: "button", class: "quiet small-only", on: { click: signOut } }, "Sign out");
  const element = h("div", { class: "page" }, h("div", { class: "row between" }, heading, out), h("div", { class: "cards" }, profile(session), address(session), password(session), secondFactorCard({ card, told, focusOn }), identitiesCard({ card, returned }), devices()));
  return { element, heading, title: "Your account", stop: () => {} };
}
