/** The account page: name and picture, address, password, second factor, linked accounts, signed-in devices, deletion. */

import { api, data, isFailure, messageFor, open } from "../../../console/api.js";
import { confirm } from "../../../console/confirm.js";
import { announce, fill, h } from "../../../console/dom.js";
import { field, formWithOutcome } from "../../../console/form.js";
import { dayOf, timeOf } from "../../../console/text.js";
import { erasureCard } from "./erasure.js";
import { newPassword } from "./fields.js";
import { linkedAccountsCard } from "./providers.js";
import { secondFactorCard } from "./second_factor.js";

const card = (id, title, ...inside) => h("section", { class: "card", "aria-labelledby": id }, h("h2", { id }, title), inside);

function profileCard(session) {
  const { user } = session;
  const image = (address) => h("img", { src: address, alt: "Your picture", width: 96, height: 96 });
  const picture = h("span", { class: "portrait" }, user.avatar && image(user.avatar));
  const name = formWithOutcome("Save", async (values) => {
    session.update(await data(api.usersMeUpdate({ body: { name: values.name } })));
    return "Saved.";
  }, field({ label: "Name", name: "name", autocomplete: "name", maxLength: 100, value: user.name }));
  const upload = formWithOutcome("Use this picture", async (values, form) => {
    session.update(await data(api.usersMeAvatarSet({ body: { avatar: values.avatar } })));
    form.reset();
    fill(picture, image(session.user.avatar));
    return "Your picture is changed.";
  }, field({ label: "Picture", name: "avatar", type: "file", accept: "image/png,image/jpeg,image/webp,image/gif", hint: "PNG, JPEG, WebP or GIF, without animation." }));
  return card("account-profile", "Profile", picture, name, upload);
}

function addressCard({ user }) {
  if (user.email_verified) return card("account-email", "E-mail address", h("p", {}, user.email, " · verified"));
  const again = formWithOutcome("Send the mail again", async () => {
    await open.authEmailResend({ body: { email: user.email } });
    return "If the address is not verified yet, a mail is on its way.";
  });
  return card("account-email", "E-mail address", h("p", {}, user.email, " · not verified"), again);
}

function passwordCard(session) {
  const form = formWithOutcome("Change password", async (values) => {
    const change = () => api.usersMePassword({ body: { current_password: values.current, new_password: values.password } });
    await session.endBy(change, "Your password is changed. Sign in with the new one.");
    return "";
  }, field({ label: "Current password", name: "current", type: "password", autocomplete: "current-password" }), newPassword("New password"));
  return card("account-password", "Password", h("p", { class: "hint" }, "This signs out all your devices, including this one."), form);
}

/** Browser and system by a User-Agent; the whole of it if they are unknown. */
function deviceOf(agent) {
  const browser = /(Firefox|Edg|OPR|Chrome|Safari)\//.exec(agent)?.[1].replace("Edg", "Edge").replace("OPR", "Opera");
  const system = /(Windows|Android|iPhone|iPad|Mac OS X|Linux)/.exec(agent)?.[1].replace("Mac OS X", "macOS");
  return browser ? `${browser}${system ? ` on ${system}` : ""}` : agent || "Unknown client";
}

function devicesCard() {
  const list = h("ul", { class: "entries" });

  async function end(one) {
    if (!(await confirm("Sign out this device?", `${deviceOf(one.user_agent)}, signed in since ${dayOf(one.created_at)}.`, "Sign out"))) return;
    try {
      await api.usersMeSessionsEnd({ path: { session_id: one.id } });
      announce("The device is signed out.");
    } catch (error) {
      announce(messageFor(error));
    }
    await load();
  }

  function entry(one) {
    const device = deviceOf(one.user_agent);
    const about = h("span", {}, device, h("small", {}, ` ${one.network} · last seen ${dayOf(one.last_seen_at)} ${timeOf(one.last_seen_at)}`));
    const control = one.is_current ? h("small", {}, "this device") : h("button", { type: "button", class: "quiet", on: { click: () => end(one) } }, "Sign out", h("span", { class: "hidden" }, ` ${device}`));
    return h("li", {}, about, control);
  }

  async function load() {
    try {
      const { results } = await data(api.usersMeSessions());
      fill(list, results.map(entry));
    } catch (error) {
      if (!isFailure(error)) throw error;
      fill(list, h("li", {}, messageFor(error)));
    }
  }

  load();
  return card("account-devices", "Signed-in devices", list);
}

/** The view. `signOut()` is the header's; `returned` is the answer of a provider, or null. */
export function accountView(session, { signOut, returned }) {
  const heading = h("h1", {}, "Your account");
  const out = h("button", { type: "button", class: "quiet small-only", on: { click: signOut } }, "Sign out");
  const cards = [profileCard(session), addressCard(session), passwordCard(session), secondFactorCard({ card }), linkedAccountsCard({ card, returned }), devicesCard(), erasureCard({ card, session })];
  const element = h("div", { class: "page" }, h("div", { class: "row between" }, heading, out), h("div", { class: "cards" }, cards));
  return { element, heading, title: "Your account" };
}
