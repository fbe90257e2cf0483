// A question with two answers, as a native modal dialog: the browser keeps the focus inside, closes
// it on Escape and gives the focus back.

import { h } from "../dom.js";

// → true when the user confirmed.
export function confirmDialog({ title, text, confirmLabel }) {
  return new Promise((resolve) => {
    const dialog = h("dialog", { "class": "dialog", "aria-labelledby": "dialog-title", "aria-describedby": "dialog-text" },
      h("form", { method: "dialog", class: "dialog-body" },
        h("h2", { id: "dialog-title", class: "dialog-title" }, title),
        h("p", { id: "dialog-text", class: "muted" }, text),
        h("div", { class: "dialog-actions" },
          h("button", { "class": "button", "value": "cancel", "autofocus": true, "data-testid": "cancel-delete" }, "Cancel"),
          h("button", { "class": "button button-danger", "value": "confirm", "data-testid": "confirm-delete" }, confirmLabel))));
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close("cancel");
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "confirm");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
