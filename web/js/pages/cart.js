// The cart. Lines are redrawn only when they come or go: changing a quantity must not take the focus
// away from the control that changes it.

import { totals } from "../cart.js";
import { badge } from "../badges.js";
import { h, replaceContent } from "../dom.js";
import { icon } from "../components/icons.js";
import { quantityControl } from "../components/quantity.js";
import { emptyState, linkButton } from "../components/states.js";
import { cents, money, perPeriod, plural, slug } from "../format.js";

export function cartPage(app) {
  const content = h("div", {});
  const heading = h("h1", { class: "page-title", tabindex: "-1" }, "Cart");
  const summary = h("div", { class: "summary-box" });
  let rows = new Map();

  function draw() {
    const { lines } = app.cart;
    const isSame = rows.size === lines.length && lines.every(({ productId }) => rows.has(productId));
    if (!isSame) drawRows(lines);
    for (const line of lines) rows.get(line.productId).show(line);
    replaceContent(summary, orderSummary(lines), linkButton("/checkout", "Go to checkout", "button-primary button-large button-wide"));
  }

  function drawRows(lines) {
    const hadFocus = content.contains(document.activeElement);
    rows = new Map(lines.map((line) => [line.productId, cartRow(app, line)]));
    replaceContent(content, lines.length === 0 ? emptyCart() : h("div", { class: "split" },
      h("ul", { "class": "lines panel", "aria-label": "Cart lines" }, [...rows.values()].map(({ node }) => node)),
      h("aside", { "class": "panel summary", "aria-label": "Summary" }, summary)));
    // The control that had the focus is gone with its line.
    if (hadFocus) heading.focus();
  }

  const unsubscribe = app.cart.changes.subscribe(draw);
  if (app.cart.lines.length === 0) drawRows([]);
  draw();
  return { title: "Cart", node: h("div", { class: "stack" }, heading, content), leave: unsubscribe };
}

function emptyCart() {
  return emptyState({ iconName: "bag", title: "Your cart is empty", text: "Subscriptions you add are kept here, in every tab, until you check out.", action: linkButton("/products", "Browse the catalogue") });
}

function cartRow(app, line) {
  const { productId, name, vendor, billingPeriod, price } = line;
  const quantity = quantityControl({ quantity: line.quantity, label: `quantity of ${name}`, changed: (value) => app.cart.setQuantity(productId, value) });
  const total = h("p", { class: "line-total" });
  const remove = () => {
    const removed = app.cart.lines.find((each) => each.productId === productId);
    app.cart.remove(productId);
    app.toasts.show("info", `${name} removed`, { label: "Undo", perform: () => app.cart.restore(removed) });
  };
  const node = h("li", { "class": "line", "data-testid": "cart-line", "data-product-id": productId, "data-vendor": slug(vendor) },
    h("div", { class: "line-art" }, badge({ vendor, id: productId })),
    h("div", { class: "line-main" },
      h("a", { class: "line-name", href: `/products/${encodeURIComponent(productId)}` }, name),
      h("p", { class: "muted small" }, `${vendor} · ${money(cents(price))} ${perPeriod(billingPeriod)}`)),
    h("div", { class: "line-quantity" }, quantity.node),
    total,
    h("button", { "type": "button", "class": "icon-button line-remove", "aria-label": `Remove ${name}`, "data-testid": "cart-remove", "on": { click: remove } }, icon("trash")));
  function show(current) {
    quantity.show(current.quantity);
    replaceContent(total, money(cents(current.price) * current.quantity));
  }
  return { node, show };
}

// The amounts of an order that is about to be placed.
export function orderSummary(lines) {
  const sum = totals(lines);
  const row = (term, amount, kind = "") => h("div", { class: `sum-row ${kind}` }, h("dt", {}, term), h("dd", {}, amount));
  return [
    h("h2", { class: "section-title" }, "Summary"),
    h("dl", { class: "sum" },
      row(plural(sum.count, "subscription"), money(sum.original)),
      sum.saving > 0 && row("Discounts", `−${money(sum.saving)}`, "sum-saving"),
      h("div", { class: "sum-row sum-total" }, h("dt", {}, "Total today"), h("dd", { "data-testid": "cart-total" }, money(sum.total)))),
    h("p", { class: "muted small" }, renewal(sum)),
  ];
}

function renewal({ monthly, annual }) {
  const parts = [monthly > 0 && `${money(monthly)} each month`, annual > 0 && `${money(annual)} each year`].filter(Boolean);
  return parts.length === 0 ? "" : `Renews at ${parts.join(" and ")}.`;
}
