/** A modal dialog that asks for confirmation. The browser keeps the focus inside and returns it. */

import { h } from "./dom.js";

/** Ask a question. Resolves to true on `agree`, to false on Cancel and Esc. */
export function confirm(title, explanation, agree) {
  return new Promise((resolve) => {
    const dialog = h(
      "dialog",
      { class: "confirm", "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text" },
      h(
        "form",
        { method: "dialog" },
        h("h2", { id: "confirm-title" }, title),
        h("p", { id: "confirm-text" }, explanation),
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
