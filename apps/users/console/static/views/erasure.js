/** The card that deletes the account. Signing in within the grace period keeps it. */

import { api } from "../../../console/api.js";
import { confirm } from "../../../console/confirm.js";
import { h } from "../../../console/dom.js";
import { field, formWithOutcome } from "../../../console/form.js";
import { serverData } from "../../../console/registry.js";
import { fullDayOf } from "../../../console/text.js";

const DAY = 24 * 60 * 60 * 1000; // milliseconds

/** The card. `card` makes a section of the account page. */
export function erasureCard({ card, session }) {
  const days = serverData("users").erasure_grace_days;
  const what = days
    ? `Your account is switched off on all devices at once, and erased after ${days} ${days === 1 ? "day" : "days"}. Sign in before then to keep it.`
    : "Your account is erased at once. This cannot be undone.";

  const form = formWithOutcome(
    "Delete account",
    async (values) => {
      if (!(await confirm("Delete your account?", what, "Delete account"))) return "";
      const due = fullDayOf(new Date(Date.now() + days * DAY));
      await session.endBy(
        () => api.usersMeErase({ body: { current_password: values.erasure_password, with_content: values.with_content === "on" } }),
        days ? `Your account is switched off, and erased on ${due}. Sign in before then to keep it.` : "Your account is erased.",
      );
      return "";
    },
    field({ label: "Your password", name: "erasure_password", type: "password", autocomplete: "current-password", required: false, hint: "Leave it empty if your account has none. You must have signed in within the last ten minutes then." }),
    h("label", { class: "check" }, h("input", { type: "checkbox", name: "with_content" }), "Delete my messages and files as well"),
    h("p", { class: "hint" }, "They stay under the name “Deleted account” otherwise."),
    h("p", { class: "error", id: "with_content-error" }),
  );
  form.querySelector("button[type=submit]").className = "danger";
  return card("account-erasure", "Delete account", h("p", {}, what), form);
}
