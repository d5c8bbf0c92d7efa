/** A question that has to be answered before anything else: a modal dialog, which keeps and returns the focus by itself. */

import { h } from "../dom.js";

/** Resolves to true when the person agrees, to false on Cancel and Esc. */
export function ask(title, explanation, agree) {
  return new Promise((resolve) => {
    const dialog = h(
      "dialog",
      { class: "ask", "aria-labelledby": "ask-title", "aria-describedby": "ask-text" },
      h(
        "form",
        { method: "dialog" },
        h("h2", { id: "ask-title" }, title),
        h("p", { id: "ask-text" }, explanation),
        h(
          "div",
          { class: "row end" },
          h("button", { class: "quiet", value: "no" }, "Cancel"),
          h("button", { class: "danger", value: "yes" }, agree),
        ),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
