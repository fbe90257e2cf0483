// Short messages in a corner: at most four, 4.5 s each, longer while pointed at or focused. The
// region exists from the start, because screen readers only announce changes of a live region they
// already know. A toast that leads to the cart has said all it can once the cart is there, and
// would only cover its buttons.

import { flattened, h } from "../dom.js";
import { icon } from "./icons.js";

const countMax = 4;
const shownFor = 4_500;   // ms

const icons = { success: "check", info: "info", error: "warning" };

export class Toasts {
  #region;

  constructor(region) {
    this.#region = region;
    region.append(h("ol", { "class": "toast-list", "role": "log", "aria-live": "polite", "aria-relevant": "additions" }));
  }

  // `kind`: "success", "info" or "error". `action`: { label, href } or { label, perform } or absent.
  show(kind, text, action = null) {
    const list = this.#region.firstElementChild;
    const toast = h("li", { "class": "toast", "data-testid": "toast", "data-kind": kind, "data-leads-to": action?.href },
      h("span", { class: "toast-icon" }, icon(icons[kind])),
      h("p", { class: "toast-text" }, text),
      action && this.#actionControl(action, () => close()),
      h("button", { "type": "button", "class": "icon-button toast-close", "aria-label": "Dismiss", "on": { click: () => close() } }, icon("close")));
    const close = () => toast.remove();
    letExpire(toast, close);
    list.append(...flattened([toast]));
    while (list.children.length > countMax) list.firstElementChild.remove();
  }

  dismissLeadingTo(path) {
    for (const toast of [...this.#region.firstElementChild.children]) {
      if (toast.dataset.leadsTo === path) toast.remove();
    }
  }

  #actionControl({ label, href, perform }, close) {
    if (href) return h("a", { class: "toast-action", href, on: { click: close } }, label);
    const click = () => {
      close();
      perform();
    };
    return h("button", { type: "button", class: "toast-action", on: { click } }, label);
  }
}

function letExpire(toast, close) {
  let timer = null;
  const start = () => {
    clearTimeout(timer);
    timer = setTimeout(close, shownFor);
  };
  const hold = () => clearTimeout(timer);
  toast.addEventListener("pointerenter", hold);
  toast.addEventListener("pointerleave", start);
  toast.addEventListener("focusin", hold);
  toast.addEventListener("focusout", start);
  start();
}
