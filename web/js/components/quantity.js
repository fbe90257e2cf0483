// A number between two buttons, 1..99.

import { quantityMax } from "../cart.js";
import { h } from "../dom.js";
import { icon } from "./icons.js";

// `changed(quantity)` gets whole numbers in range only. `show(quantity)` of the result updates the
// control from outside.
export function quantityControl({ quantity, label, changed }) {
  const input = h("input", {
    "class": "quantity-input", "type": "number", "inputmode": "numeric", "min": 1, "max": quantityMax, "step": 1,
    "value": quantity, "aria-label": label, "data-testid": "quantity",
  });
  const stepButton = (step, name, iconName) => h("button", {
    "type": "button", "class": "quantity-step", "aria-label": name, "on": { click: () => choose(current() + step) },
  }, icon(iconName));
  const fewer = stepButton(-1, `Fewer: ${label}`, "minus");
  const more = stepButton(1, `More: ${label}`, "plus");
  let shown = quantity;

  function current() {
    return Number.isInteger(input.valueAsNumber) ? input.valueAsNumber : shown;
  }
  function show(value) {
    shown = value;
    input.value = value;
    // Not `disabled`: that would throw the keyboard's focus away.
    fewer.setAttribute("aria-disabled", String(value <= 1));
    more.setAttribute("aria-disabled", String(value >= quantityMax));
  }
  function choose(wanted) {
    const value = Math.min(quantityMax, Math.max(1, wanted));
    const isNew = value !== shown;
    show(value);
    if (isNew) changed(value);
  }

  input.addEventListener("change", () => choose(current()));
  // Typing then replaces the number; one digit more would make 1 into 13.
  input.addEventListener("focus", () => input.select());
  show(quantity);
  return { node: h("div", { class: "quantity", role: "group" }, fewer, input, more), show, current: () => shown };
}
