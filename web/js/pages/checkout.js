// The checkout, and the order it turns into.
//
//   review ──submit──▶ sending ──201──▶ following (?order=<correlation id>) ──Completed──▶ /orders/{id}
//     ▲                   │
//     └──── error ────────┘   same idempotency key: a retry cannot order twice
//
// The order that is followed is named in the address, so that a reload goes on following it.

import { badge } from "../badges.js";
import { fingerprint, orderItems } from "../cart.js";
import { h, replaceContent } from "../dom.js";
import { icon } from "../components/icons.js";
import { emptyState, linkButton } from "../components/states.js";
import { stepper } from "../components/stepper.js";
import { cents, money, shortCorrelation, slug } from "../format.js";
import { orderStatus } from "../order-tracker.js";
import { readJSON, removeKey, writeJSON } from "../storage.js";
import { orderSummary } from "./cart.js";

const lingerAfterCompletion = 700;   // ms; long enough to see the last step

export function checkoutPage(app) {
  const content = h("div", {});
  const heading = h("h1", { class: "page-title", tabindex: "-1" }, "Checkout");
  const visit = { leaving: false, phase: "review", stop: () => {} };

  function follow(correlationId) {
    const entry = app.tracker.find(correlationId);
    if (entry === null) return app.router.replace("/orders");
    visit.phase = "following";
    replaceContent(heading, `Order #${entry.orderId}`);
    const progress = followedOrder(app, entry, visit);
    visit.stop = progress.stop;
    replaceContent(content, progress.node);
    return undefined;
  }

  const review = () => {
    replaceContent(content, app.cart.lines.length === 0 ? nothingToOrder() : reviewForm(app, visit, placed));
  };

  function placed(order) {
    app.tracker.track(order);
    // The cart tells its listeners, this page included: the phase must have changed before.
    visit.phase = "following";
    app.cart.clear();
    if (visit.leaving) return;
    const correlationId = order.correlationId.toLowerCase();
    app.router.rewrite(`/checkout?order=${encodeURIComponent(correlationId)}`);
    follow(correlationId);
    heading.focus({ preventScroll: true });
  }

  const unsubscribe = app.cart.changes.subscribe(() => {
    if (visit.phase === "review") review();
  });
  const followed = new URLSearchParams(location.search).get("order");
  // Not at once: the router may only be asked for another page when this one is in place.
  if (followed !== null) queueMicrotask(() => follow(followed));
  else review();
  return {
    title: "Checkout",
    node: h("div", { class: "stack" }, heading, content),
    leave() {
      visit.leaving = true;
      visit.stop();
      unsubscribe();
    },
  };
}

function nothingToOrder() {
  return emptyState({ iconName: "bag", title: "Nothing to check out", text: "Your cart is empty.", action: linkButton("/products", "Browse the catalogue") });
}

function reviewForm(app, visit, placed) {
  const { lines } = app.cart;
  const problem = h("div", { class: "form-error", role: "alert" });
  const label = h("span", {}, "Place order");
  const submit = h("button", { "class": "button button-primary button-large button-wide", "data-testid": "checkout-submit" }, label);

  async function place(event) {
    event.preventDefault();
    if (visit.phase === "sending") return;
    visit.phase = "sending";
    submit.setAttribute("aria-busy", "true");
    submit.setAttribute("aria-disabled", "true");
    replaceContent(problem);
    replaceContent(label, "Placing your order…");
    const key = checkoutKey(app.session.userId, lines);
    try {
      const order = await app.api.placeOrder(orderItems(lines), key.value);
      key.discard();
      placed(order);
    } catch (error) {
      if (error.status === 409) key.discard();
      visit.phase = "review";
      submit.removeAttribute("aria-busy");
      submit.removeAttribute("aria-disabled");
      replaceContent(label, "Try again");
      replaceContent(problem, icon("warning"), h("span", {}, `${error.message} Your cart is unchanged, and trying again cannot order twice.`));
    }
  }

  return h("form", { class: "split", on: { submit: place } },
    h("section", { "class": "panel", "aria-label": "Your subscriptions" },
      h("ul", { class: "lines" }, lines.map(reviewLine)),
      h("p", { class: "panel-foot" }, h("a", { href: "/cart" }, "Change the cart"))),
    h("aside", { "class": "panel summary", "aria-label": "Summary" },
      h("div", { class: "summary-box" }, orderSummary(lines), problem, submit,
        h("p", { class: "muted small" }, `Ordering as ${app.session.userId}. You can watch the order being processed on the next screen.`))));
}

function reviewLine({ productId, name, vendor, price, quantity }) {
  return h("li", { "class": "line line-compact", "data-vendor": slug(vendor) },
    h("div", { class: "line-art" }, badge({ vendor, id: productId })),
    h("div", { class: "line-main" }, h("p", { class: "line-name" }, name), h("p", { class: "muted small" }, `${vendor} · ${productId}`)),
    h("p", { class: "line-quantity muted" }, `× ${quantity}`),
    h("p", { class: "line-total" }, money(cents(price) * quantity)));
}

// The idempotency key of this cart's order: kept, over retries, reloads and tabs, until the order is
// placed or the cart becomes another one.
function checkoutKey(userId, lines) {
  const name = `contoso.checkout.v1.${userId}`;
  const cart = fingerprint(lines);
  const stored = readJSON(localStorage, name);
  const isSame = stored?.cart === cart && typeof stored.value === "string";
  const value = isSame ? stored.value : crypto.randomUUID();
  if (!isSame) writeJSON(localStorage, name, { cart, value });
  return { value, discard: () => removeKey(localStorage, name) };
}

function followedOrder(app, entry, visit) {
  const { correlationId } = entry;
  const progress = stepper({ status: orderStatus.accepted });
  const note = h("p", { class: "muted small" });
  let lingerTimer = null;

  async function advance(status, orderId) {
    await progress.advance(status);
    if (status !== orderStatus.completed || visit.leaving) return;
    replaceContent(note, "Taking you to your order…");
    lingerTimer = setTimeout(() => app.router.replace(`/orders/${orderId}`), lingerAfterCompletion);
  }
  function showConnection(state) {
    replaceContent(note, state === "connected"
      ? "You can leave this page; we will tell you when the order is complete."
      : "Live updates are interrupted. Your order is safe, and this page catches up by itself.");
  }

  const endings = [
    app.tracker.changes.subscribe((changed) => {
      if (changed.correlationId === correlationId) advance(changed.status, changed.orderId);
    }),
    app.hub.stateChanges.subscribe(showConnection),
    progress.stop,
    () => clearTimeout(lingerTimer),
  ];
  showConnection(app.hub.state);
  if (entry.status !== orderStatus.accepted) advance(entry.status, entry.orderId);
  const node = h("div", { class: "panel following" }, progress.node,
    h("p", { class: "muted small" }, "Reference ", h("code", {}, shortCorrelation(correlationId))), note);
  return { node, stop: () => endings.forEach((end) => end()) };
}
