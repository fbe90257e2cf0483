// The user's orders, newest first, ten per page.

import { badge } from "../badges.js";
import { h, replaceContent } from "../dom.js";
import { confirmDialog } from "../components/dialog.js";
import { icon } from "../components/icons.js";
import { orderTotal } from "../components/order-line.js";
import { pager } from "../components/pager.js";
import { emptyState, errorState, linkButton, skeletons } from "../components/states.js";
import { dayAndTime, money, parseMoment, plural, slug } from "../format.js";
import { statusNames } from "../order-tracker.js";

const pageSize = 10;
const shownBadges = 3;

export function ordersPage(app) {
  let page = Math.max(1, Math.trunc(Number(new URLSearchParams(location.search).get("page"))) || 1);
  let loading = new AbortController();
  const heading = h("h1", { class: "page-title", tabindex: "-1" }, "Orders");
  const summary = h("p", { class: "muted" }, "\u00a0");
  const content = h("div", {});
  let showStatus = () => {};

  async function load({ isQuiet = false } = {}) {
    loading.abort();
    loading = new AbortController();
    const { signal } = loading;
    if (!isQuiet) replaceContent(content, h("div", { class: "rows", role: "status" }, h("span", { class: "visually-hidden" }, "Loading your orders"), skeletons("skeleton-row", 4)));
    try {
      // The catalogue knows the vendors, which colour the badges; orders can be shown without it.
      const [answer] = await Promise.all([
        app.api.orders({ offset: (page - 1) * pageSize, size: pageSize, signal }),
        app.catalogue.load().catch(() => null),
      ]);
      if (!signal.aborted) draw(answer);
    } catch (error) {
      if (!signal.aborted) replaceContent(content, errorState({ text: error.message, retry: () => load() }));
    }
  }

  function draw({ total, items }) {
    const pageCount = Math.max(1, Math.ceil(total / pageSize));
    if (items.length === 0 && page > pageCount) return turnTo(pageCount);
    replaceContent(summary, total === 0 ? "\u00a0" : `${plural(total, "order")} placed`);
    const rows = new Map(items.map((order) => [order.correlationId.toLowerCase(), orderRow(app, order, () => load({ isQuiet: true }))]));
    showStatus = ({ correlationId, status }) => rows.get(correlationId)?.show(status);
    replaceContent(content, items.length === 0 ? noOrders() : [
      h("ul", { class: "rows" }, [...rows.values()].map(({ node }) => node)),
      pager({ page, pageCount, label: "Order pages", choose: turnTo }),
    ]);
    return undefined;
  }

  function turnTo(target) {
    page = target;
    app.router.rewrite(target === 1 ? "/orders" : `/orders?page=${target}`);
    heading.focus();
    scrollTo(0, 0);
    load();
  }

  const unsubscribes = [
    app.tracker.changes.subscribe((entry) => showStatus(entry)),
    // An order of another browser completed: it is not in the list yet.
    app.tracker.completions.subscribe(({ correlationId }) => {
      if (app.tracker.find(correlationId) === null) load({ isQuiet: true });
    }),
  ];
  load();
  return {
    title: "Orders",
    node: h("div", { class: "stack" }, h("div", { class: "page-head" }, heading, summary), content),
    leave() {
      loading.abort();
      for (const unsubscribe of unsubscribes) unsubscribe();
    },
  };
}

function noOrders() {
  return emptyState({ iconName: "receipt", title: "No orders yet", text: "Your orders will be listed here, with their progress.", action: linkButton("/products", "Browse the catalogue") });
}

function orderRow(app, order, reload) {
  const { id, correlationId, createdAt, items } = order;
  const status = h("span", { class: "status-tag" });
  const units = items.reduce((sum, { quantity }) => sum + quantity, 0);
  const names = items.map(({ productName, productId }) => productName || productId).join(", ");
  const remove = async () => {
    if (await deleteOrder(app, order)) reload();
  };
  const node = h("li", { "class": "row panel", "data-testid": "order-row", "data-order-id": id },
    h("div", { "class": "row-art", "aria-hidden": "true" }, items.slice(0, shownBadges).map((item) => rowBadge(app, item))),
    h("div", { class: "row-main" },
      h("h2", { class: "row-title" }, h("a", { href: `/orders/${id}`, class: "row-link" }, `Order #${id}`), status),
      h("p", { class: "row-names" }, names),
      h("p", { class: "muted small" }, `${dayAndTime(createdAt)} · ${plural(units, "item")}`)),
    h("p", { class: "row-total" }, money(orderTotal(items))),
    h("button", { "type": "button", "class": "icon-button row-delete", "aria-label": `Delete order ${id}`, "data-testid": "order-delete", "on": { click: remove } }, icon("trash")));
  const show = (value) => showStatusTag(status, value);
  show(app.tracker.find(correlationId.toLowerCase())?.status ?? null);
  app.tracker.resolve({ correlationId, createdAt: parseMoment(createdAt).getTime() }).then((value) => {
    if (value !== null) show(value);
  });
  return { node, show };
}

function rowBadge(app, { productId }) {
  const vendor = app.catalogue.find(productId)?.vendor ?? null;
  return h("div", { "class": "row-badge", "data-vendor": slug(vendor ?? "") }, badge({ vendor, id: productId }));
}

// `null`: not known; the tag then keeps its place and says nothing.
export function showStatusTag(tag, status) {
  tag.dataset.status = status === null ? "Unknown" : statusNames[status];
  replaceContent(tag, status === null ? "\u00a0" : statusNames[status]);
}

// Asks, deletes, tells. → true when the order is gone.
export async function deleteOrder(app, { id, correlationId }) {
  const isSure = await confirmDialog({
    title: `Delete order #${id}?`,
    text: "It disappears from your list. This cannot be undone.",
    confirmLabel: "Delete order",
  });
  if (!isSure) return false;
  try {
    await app.api.deleteOrder(id);
  } catch (error) {
    // Deleted in another tab: what was wanted is so.
    if (error.status !== 404) {
      app.toasts.show("error", `Order #${id} was not deleted. ${error.message}`);
      return false;
    }
  }
  app.tracker.forget(correlationId);
  app.toasts.show("success", `Order #${id} deleted`);
  return true;
}
