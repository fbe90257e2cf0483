// One product, and others of its vendor.

import { APIError } from "../api.js";
import { badge } from "../badges.js";
import { h, replaceContent } from "../dom.js";
import { icon } from "../components/icons.js";
import { discountTag, priceTag } from "../components/price.js";
import { productCard } from "../components/product-card.js";
import { quantityControl } from "../components/quantity.js";
import { emptyState, errorState, linkButton, skeletons } from "../components/states.js";
import { cents, money, originalCents, slug } from "../format.js";
import { setTitle } from "../title.js";
import { addToCart } from "./products.js";

const relatedCount = 4;

export function productPage(app, { id }) {
  const leaving = new AbortController();
  const content = h("div", {});
  const related = h("div", {});

  async function load() {
    const known = app.catalogue.find(id);
    if (known !== null) return draw(known);
    replaceContent(content, h("h1", { class: "visually-hidden" }, "Loading product"), skeletons("skeleton-product", 1));
    try {
      return draw(await app.api.product(id, { signal: leaving.signal }));
    } catch (error) {
      if (leaving.signal.aborted) return undefined;
      return replaceContent(content, isMissing(error) ? missing(id) : errorState({ text: error.message, retry: load }));
    }
  }

  function draw(product) {
    setTitle(product.name);
    replaceContent(content, productDetails(app, product));
    app.catalogue.load().then((products) => {
      if (leaving.signal.aborted) return;
      replaceContent(related, relatedProducts(app, product, products));
    }, () => {});   // without the catalogue there is just nothing to recommend
  }

  load();
  const back = h("a", { href: "/products", class: "back-link" }, icon("arrow-left"), "Catalogue");
  return { title: "Product", node: h("div", { class: "stack" }, back, content, related), leave: () => leaving.abort() };
}

function isMissing(error) {
  return error instanceof APIError && (error.status === 404 || error.status === 400);
}

function missing(id) {
  return emptyState({ iconName: "search", title: "No such product", text: `We do not have a subscription called ${id}.`, action: linkButton("/products", "Browse the catalogue") });
}

function productDetails(app, product) {
  const { externalProductId: id, name, vendor, category, billingPeriod, price, discount } = product;
  const saving = originalCents(price, discount) - cents(price);
  const quantity = quantityControl({ quantity: 1, label: `quantity of ${name}`, changed: () => {} });
  const facts = [["Exam", id], ["Vendor", vendor], ["Category", category], ["Billing", billingPeriod],
    ["Discount", discount > 0 ? `${discount}%, you save ${money(saving)}` : "None"]];
  return h("article", { "class": "product", "data-vendor": slug(vendor), "data-product-id": id },
    h("div", { class: "product-art" }, badge({ vendor, id }), discountTag(product)),
    h("div", { class: "product-main" },
      h("p", { class: "card-kicker" }, h("span", { class: "card-vendor" }, vendor), h("span", { class: "card-category" }, category)),
      h("h1", { class: "page-title", tabindex: "-1" }, name),
      priceTag(product),
      h("div", { class: "product-buy" }, quantity.node,
        h("button", { "type": "button", "class": "button button-primary button-large", "data-testid": "add-to-cart", "on": { click: () => addToCart(app, product, quantity.current()) } }, icon("bag"), "Add to cart")),
      h("dl", { class: "facts" }, facts.map(([term, text]) => h("div", { class: "fact" }, h("dt", {}, term), h("dd", {}, text))))));
}

// The same vendor, the same category first, in the catalogue's order.
function relatedProducts(app, product, products) {
  const others = products.filter(({ vendor, externalProductId }) => vendor === product.vendor && externalProductId !== product.externalProductId);
  const near = others.filter(({ category }) => category === product.category);
  const chosen = [...near, ...others.filter((each) => !near.includes(each))].slice(0, relatedCount);
  if (chosen.length === 0) return [];
  return h("section", { "class": "related", "aria-label": `More from ${product.vendor}` },
    h("h2", { class: "section-title" }, `More from ${product.vendor}`),
    h("ul", { class: "grid" }, chosen.map((each) => productCard(each, { add: (added) => addToCart(app, added) }))));
}
