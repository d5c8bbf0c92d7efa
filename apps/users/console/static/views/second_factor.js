/** The card of the second factor: set it up with an authenticator app, confirm it with a code, turn it off. */

import { api, data, isFailure, messageFor } from "../../../console/api.js";
import { fill, focusOn, h } from "../../../console/dom.js";
import { field, formWithOutcome } from "../../../console/form.js";

const code = (hint) => field({ label: "Code", name: "code", autocomplete: "one-time-code", maxLength: 40, hint });
const owner = () => field({ label: "Your password", name: "owner", type: "password", autocomplete: "current-password" });

/** The card. `card` makes a section of the account page. */
export function secondFactorCard({ card }) {
  const inside = h("div", {}, h("p", { class: "hint" }, "Loading …"));

  function show(...parts) {
    fill(inside, parts);
    const first = inside.querySelector("[tabindex]");
    if (first) focusOn(first);
  }

  function showRecoveryCodes(codes) {
    show(
      h("p", { tabIndex: -1 }, "The second factor is on. Each of these recovery codes signs you in once if you lose the app. They are shown only now:"),
      h("ul", { class: "codes" }, codes.map((one) => h("li", {}, h("code", {}, one)))),
      h("button", { type: "button", class: "quiet", on: { click: load } }, "I have saved them"),
    );
  }

  function showSecret({ secret, uri, qr_code: svg }) {
    const address = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
    show(
      h("p", { tabIndex: -1 }, "Scan this with your authenticator app, or enter the key there. Then type the code that the app shows."),
      h("p", {}, h("img", { class: "qr-code", src: address, alt: "QR code with the key", on: { load: () => URL.revokeObjectURL(address) } })),
      h("p", {}, h("code", { class: "secret" }, secret.replace(/(.{4})/g, "$1 ").trim())),
      h("p", {}, h("a", { href: uri }, "Open the app on this device")),
      formWithOutcome("Turn on", async (values) => {
        showRecoveryCodes((await data(api.usersMeSecondFactorConfirm({ body: { code: values.code } }))).recovery_codes);
        return "";
      }, code("Six digits.")),
    );
  }

  const whenOff = () => [
    h("p", {}, "Sign-in asks for your password only."),
    formWithOutcome("Set up", async (values) => {
      showSecret(await data(api.usersMeSecondFactorBegin({ body: { current_password: values.owner } })));
      return "";
    }, owner()),
  ];

  const whenOn = (left) => [
    h("p", {}, `Sign-in asks for a code as well. ${left} recovery codes are left.`),
    formWithOutcome("Turn off", async (values) => {
      await api.usersMeSecondFactorDisable({ body: { current_password: values.owner, code: values.code } });
      await load();
      return "";
    }, owner(), code("From the app, or a recovery code.")),
  ];

  async function load() {
    try {
      const state = await data(api.usersMeSecondFactor());
      fill(inside, state.is_enabled ? whenOn(state.recovery_codes_left) : whenOff());
    } catch (error) {
      if (!isFailure(error)) throw error;
      fill(inside, h("p", {}, messageFor(error)));
    }
  }

  load();
  return card("account-second-factor", "Second factor", inside);
}
