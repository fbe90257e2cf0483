// One product of the grid. The whole card is a link; the button is above it.

import { badge } from "../badges.js";
import { h } from "../dom.js";
import { slug } from "../format.js";
import { icon } from "./icons.js";
import { discountTag, priceTag } from "./price.js";

export function productCard(product, { add }) {
  const { externalProductId: id, name, vendor, category } = product;
  return h("li", { "class": "card", "data-testid": "product-card", "data-product-id": id, "data-vendor": slug(vendor) },
    h("div", { class: "card-art" }, badge({ vendor, id }), discountTag(product)),
    h("div", { class: "card-body" },
      h("p", { class: "card-kicker" }, h("span", { class: "card-vendor" }, vendor), h("span", { class: "card-category" }, category)),
      h("h3", { class: "card-name" }, h("a", { href: `/products/${encodeURIComponent(id)}`, class: "card-link" }, name)),
      priceTag(product),
      h("button", {
        "type": "button", "class": "button card-add", "data-testid": "add-to-cart", "aria-label": `Add ${name} to cart`,
        "on": { click: () => add(product) },
      }, icon("plus"), h("span", {}, "Add to cart"))));
}
