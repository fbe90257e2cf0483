// A price with its period, and what it was before the discount.

import { h } from "../dom.js";
import { cents, money, originalCents, perPeriod } from "../format.js";

export function priceTag({ price, discount, billingPeriod }) {
  const was = originalCents(price, discount);
  const isReduced = was > cents(price);
  return h("p", { class: "price" },
    h("span", { class: "price-now" }, h("span", { class: "visually-hidden" }, "Price "), money(cents(price))),
    h("span", { class: "price-period" }, perPeriod(billingPeriod)),
    isReduced
      ? h("span", { class: "price-was" }, h("span", { class: "visually-hidden" }, "instead of "), h("s", {}, money(was)))
      : h("span", { "class": "price-was", "aria-hidden": "true" }, "\u00a0"));
}

export function discountTag({ discount }) {
  return discount > 0 ? h("span", { class: "discount-tag" }, `−${discount}%`) : null;
}
