// One line of an order, in the same shape wherever orders are shown.

import { badge } from "../badges.js";
import { h } from "../dom.js";
import { cents, money, slug } from "../format.js";

// `vendor` may be unknown (`null`): the badge is then a neutral one.
export function orderLine({ productId, productName, unitPrice, quantity }, vendor) {
  return h("li", { "class": "line", "data-vendor": vendor && slug(vendor) },
    h("div", { class: "line-art" }, badge({ vendor, id: productId })),
    h("div", { class: "line-main" },
      h("a", { class: "line-name", href: `/products/${encodeURIComponent(productId)}` }, productName || productId),
      h("p", { class: "muted small" }, [vendor, productId].filter(Boolean).join(" · "))),
    h("p", { class: "line-quantity muted" }, `${quantity} × ${money(cents(unitPrice))}`),
    h("p", { class: "line-total" }, money(cents(unitPrice) * quantity)));
}

export function orderTotal(items) {
  return items.reduce((sum, { unitPrice, quantity }) => sum + cents(unitPrice) * quantity, 0);
}
