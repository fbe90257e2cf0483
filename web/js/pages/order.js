// One order: its progress while it is under way, then its lines and amounts.

import { APIError } from "../api.js";
import { h, replaceContent } from "../dom.js";
import { icon } from "../components/icons.js";
import { orderLine, orderTotal } from "../components/order-line.js";
import { emptyState, errorState, linkButton, skeletons } from "../components/states.js";
import { stepper } from "../components/stepper.js";
import { dayAndTime, money, parseMoment } from "../format.js";
import { orderStatus, statusNames } from "../order-tracker.js";
import { setTitle } from "../title.js";
import { deleteOrder } from "./orders.js";

export function orderPage(app, { id }) {
  const leaving = new AbortController();
  const content = h("div", {});
  let stop = () => {};

  async function load() {
    replaceContent(content, h("h1", { class: "page-title", tabindex: "-1" }, `Order #${id}`), skeletons("skeleton-order", 1));
    try {
      const [order] = await Promise.all([
        app.api.order(id, { signal: leaving.signal }),
        app.catalogue.load().catch(() => null),
      ]);
      if (!leaving.signal.aborted) draw(order);
    } catch (error) {
      if (leaving.signal.aborted) return;
      const isMissing = error instanceof APIError && (error.status === 404 || error.status === 400);
      replaceContent(content, isMissing ? missing(id) : errorState({ text: error.message, retry: load }));
    }
  }

  function draw(order) {
    setTitle(`Order #${order.id}`);
    const hadFocus = content.contains(document.activeElement);
    const progress = orderProgress(app, order);
    stop = progress.stop;
    replaceContent(content, orderDetails(app, order, progress.node));
    if (hadFocus) content.querySelector("h1").focus({ preventScroll: true });
  }

  load();
  const back = h("a", { href: "/orders", class: "back-link" }, icon("arrow-left"), "Orders");
  return {
    title: `Order #${id}`,
    node: h("div", { class: "stack" }, back, content),
    leave() {
      leaving.abort();
      stop();
    },
  };
}

function missing(id) {
  return emptyState({ iconName: "receipt", title: "No such order", text: `Order ${id} does not exist, or it was deleted.`, action: linkButton("/orders", "See your orders") });
}

function orderDetails(app, order, progress) {
  const { items } = order;
  const remove = async () => {
    if (await deleteOrder(app, order)) app.router.replace("/orders");
  };
  return [
    h("div", { class: "page-head page-head-row" },
      h("div", {}, h("h1", { class: "page-title", tabindex: "-1" }, `Order #${order.id}`), h("p", { class: "muted" }, dayAndTime(order.createdAt))),
      h("button", { "type": "button", "class": "button button-quiet-danger", "data-testid": "order-delete", "on": { click: remove } }, icon("trash"), "Delete")),
    h("div", { class: "split" },
      h("div", { class: "stack" },
        progress,
        h("section", { "class": "panel", "aria-label": "Subscriptions in this order" },
          h("ul", { class: "lines" }, items.map((item) => orderLine(item, app.catalogue.find(item.productId)?.vendor ?? null))))),
      h("aside", { "class": "panel summary", "aria-label": "Summary" }, h("div", { class: "summary-box" },
        h("h2", { class: "section-title" }, "Summary"),
        h("dl", { class: "sum" }, h("div", { class: "sum-row sum-total" }, h("dt", {}, "Total"), h("dd", { "data-testid": "order-total" }, money(orderTotal(items))))),
        h("dl", { class: "facts facts-narrow" }, h("div", { class: "fact" }, h("dt", {}, "Reference"), h("dd", {}, h("code", { class: "reference" }, order.correlationId))))))),
  ];
}

// A stepper for an order under way; one quiet line for a finished one, or while that is not known.
function orderProgress(app, order) {
  const correlationId = order.correlationId.toLowerCase();
  const box = h("section", { "class": "panel progress", "aria-label": "Progress" });
  let steps = null;

  function show(status) {
    if (status !== null && status !== orderStatus.completed && steps === null) {
      steps = stepper({ status });
      replaceContent(box, steps.node);
    } else if (steps !== null && status !== null) {
      steps.advance(status);
    } else {
      replaceContent(box, statusLine(status));
    }
  }
  async function resolve() {
    const createdAt = parseMoment(order.createdAt).getTime();
    const status = await app.tracker.resolve({ correlationId, createdAt });
    if (status !== null) show(status);
  }

  const endings = [
    app.tracker.changes.subscribe((entry) => {
      if (entry.correlationId === correlationId) show(entry.status);
    }),
    app.tracker.completions.subscribe((completed) => {
      if (completed.correlationId === correlationId) show(orderStatus.completed);
    }),
    app.hub.stateChanges.subscribe((state) => {
      if (state === "connected") resolve();
    }),
    () => steps?.stop(),
  ];
  show(app.tracker.find(correlationId)?.status ?? null);
  resolve();
  return { node: box, stop: () => endings.forEach((end) => end()) };
}

function statusLine(status) {
  const isKnown = status !== null;
  return h("p", { "class": "status-line", "data-known": String(isKnown) },
    h("span", { class: "status-line-mark" }, isKnown ? icon("check") : null),
    h("strong", { "data-testid": "order-status", "data-status": isKnown ? statusNames[status] : "Unknown" }, isKnown ? statusNames[status] : "Checking…"),
    h("span", { class: "muted" }, isKnown ? "Your subscriptions are ready." : "Asking for the latest status."));
}
