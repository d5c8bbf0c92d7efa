/** The second factor of one's account: set up with an authenticator app, confirmed by a code, switched off again. */

import { api, data, isFailure, wordsOf } from "../api.js";
import { fill, h } from "../dom.js";
import { field } from "./form.js";

const code = (hint) => field({ label: "Code", name: "code", autocomplete: "one-time-code", maxLength: 40, hint });
const owner = () => field({ label: "Your password", name: "owner", type: "password", autocomplete: "current-password" });

/** The card. `card`, `told` and `focusOn` are the account's. */
export function secondFactorCard({ card, told, focusOn }) {
  const inside = h("div", {}, h("p", { class: "hint" }, "Looking …"));
  const show = (...parts) => {
    fill(inside, parts);
    const first = inside.querySelector("[tabindex]");
    if (first) focusOn(first);
  };

  function codes(list) {
    show(
      h("p", { tabIndex: -1 }, "It is on. Each of these codes opens your account once, should the app be lost. They are shown only now:"),
      h("ul", { class: "codes" }, list.map((one) => h("li", {}, h("code", {}, one)))),
      h("button", { type: "button", class: "quiet", on: { click: look } }, "I have kept them"),
    );
  }

  function confirm({ secret, uri }) {
    show(
      h("p", { tabIndex: -1 }, "Give this to your authenticator app, then type the code that it shows:"),
      h("p", {}, h("code", { class: "secret" }, secret.replace(/(.{4})/g, "$1 ").trim())),
      h("p", {}, h("a", { href: uri }, "Open the app on this device")),
      told("Switch it on", async (typed) => {
        codes((await data(api.usersMeSecondFactorConfirm({ body: { code: typed.code } }))).recovery_codes);
        return "";
      }, code("Six digits.")),
    );
  }

  const off = () => [
    h("p", {}, "Signing in asks for your password only."),
    told("Set it up", async ({ owner: current }) => {
      confirm(await data(api.usersMeSecondFactorBegin({ body: { current_password: current } })));
      return "";
    }, owner()),
  ];

  const on = (left) => [
    h("p", {}, `Signing in asks for a code as well. ${left} recovery codes are left.`),
    told("Switch it off", async ({ owner: current, code: typed }) => {
      await api.usersMeSecondFactorDisable({ body: { current_password: current, code: typed } });
      await look();
      return "";
    }, owner(), code("Of the app, or a recovery code.")),
  ];

  async function look() {
    try {
      const state = await data(api.usersMeSecondFactor());
      fill(inside, state.is_enabled ? on(state.recovery_codes_left) : off());
    } catch (error) {
      if (!isFailure(error)) throw error;
      fill(inside, h("p", {}, wordsOf(error)));
    }
  }

  look();
  return card("account-second", "Second factor", inside);
}
