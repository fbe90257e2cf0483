// The catalogue: search, filters, order and page are in the address, so that a view can be shared
// and the back button returns to it.

import { badge } from "../badges.js";
import {
  defaultQuery, facetCounts, filterProducts, formatQuery, pageOf, pageSizes, parseQuery, sortOrders, sortProducts,
} from "../catalogue.js";
import { h, replaceContent } from "../dom.js";
import { icon } from "../components/icons.js";
import { pager } from "../components/pager.js";
import { productCard } from "../components/product-card.js";
import { labelledSelect } from "../components/select.js";
import { emptyState, errorState, skeletons } from "../components/states.js";
import { plural } from "../format.js";

const announceDelay = 500;   // ms; typing a word should be announced once

export function productsPage(app) {
  let query = parseQuery(new URLSearchParams(location.search));
  let hasLeft = false;
  let announceTimer = null;
  const cards = new Map();
  const results = h("div", { class: "results" });
  const summary = h("p", { "class": "results-summary", "data-testid": "result-count" }, "\u00a0");
  const chips = h("div", { class: "chips" });
  const toolbar = queryToolbar({ query, change: (part) => change({ page: 1, ...part }) });

  function change(part) {
    query = { ...query, ...part };
    app.router.rewrite(`/products${formatQuery(query)}`);
    draw();
  }

  function draw() {
    const { products } = app.catalogue;
    if (products === null) return;
    const found = sortProducts(filterProducts(products, query), query.sort);
    const view = pageOf(found, query.page, query.size);
    toolbar.show(query, products);
    replaceContent(chips, filterChips(query, (part) => change({ page: 1, ...part })));
    const range = view.pageCount > 1 ? `${view.start + 1}–${view.start + view.items.length} of ` : "";
    const text = `${range}${plural(found.length, "subscription")}`;
    replaceContent(summary, text);
    replaceContent(results, found.length === 0 ? noResults() : [
      h("ul", { class: "grid" }, view.items.map(cardFor)),
      pager({ page: view.page, pageCount: view.pageCount, label: "Catalogue pages", choose: turnTo }),
    ]);
    clearTimeout(announceTimer);
    announceTimer = setTimeout(() => app.announce(text), announceDelay);
  }

  // Cards are kept: typing in the search field then moves them and does not draw them again.
  function cardFor(product) {
    const id = product.externalProductId;
    if (!cards.has(id)) cards.set(id, productCard(product, { add: (added) => addToCart(app, added) }));
    return cards.get(id);
  }

  function turnTo(page) {
    change({ page });
    heading.focus({ preventScroll: true });
    results.scrollIntoView({ block: "start" });
  }

  function noResults() {
    const action = h("button", {
      "type": "button", "class": "button button-primary", "data-testid": "clear-filters", "on": { click: () => change({ ...defaultQuery, sort: query.sort, size: query.size }) },
    }, "Clear search and filters");
    return emptyState({ iconName: "search", title: "Nothing matches", text: "Try fewer words, or another vendor or category.", action });
  }

  async function load() {
    if (app.catalogue.products === null) replaceContent(results, h("div", { class: "grid", role: "status" }, h("span", { class: "visually-hidden" }, "Loading the catalogue"), skeletons("skeleton-card", 12)));
    try {
      await app.catalogue.load();
      if (!hasLeft) draw();
    } catch (error) {
      if (!hasLeft) replaceContent(results, errorState({ text: error.message, retry: load }));
    }
  }

  const heading = h("h2", { class: "results-title", tabindex: "-1" }, "Catalogue");
  const shortcut = searchShortcut(toolbar.searchInput);
  // A catalogue that is already loaded is drawn now, not one task later: a return then scrolls back.
  draw();
  load();
  const node = h("div", { class: "stack" }, hero(), toolbar.node,
    h("section", { "aria-label": "Results" }, h("div", { class: "results-head" }, heading, summary, chips), results));
  return {
    title: "Catalogue",
    node,
    leave() {
      hasLeft = true;
      clearTimeout(announceTimer);
      removeEventListener("keydown", shortcut);
    },
  };
}

export function addToCart(app, product, quantity = 1) {
  app.cart.add(product, quantity);
  app.toasts.show("success", `${product.name} is in your cart`, { label: "View cart", href: "/cart" });
}

function hero() {
  const art = [["Databricks", "DB-GENAI"], ["AWS", "SAP-C02"], ["Microsoft", "AZ-305"], ["Google", "GCP-PMLE"], ["ISC2", "CCSP"]];
  return h("div", { class: "hero" },
    h("div", { class: "hero-text" },
      h("h1", { class: "hero-title" }, "Pass the exam you came for."),
      h("p", { class: "hero-lead" }, "Certification-prep subscriptions from ten vendors. Order once, follow it live, start today.")),
    h("div", { "class": "hero-art", "aria-hidden": "true" }, art.map(([vendor, id]) => h("div", { class: "hero-badge" }, badge({ vendor, id })))));
}

// `show(query, products)` of the result fills the controls in.
function queryToolbar({ query, change }) {
  const searchInput = h("input", {
    "type": "search", "class": "search-input", "id": "search", "placeholder": "Name, vendor or exam id", "value": query.search, "autocomplete": "off", "spellcheck": "false",
    "enterkeyhint": "search", "data-testid": "search", "aria-keyshortcuts": "/", "on": { input: () => change({ search: searchInput.value.trim() }) },
  });
  const vendor = labelledSelect({ label: "Vendor", testId: "vendor-filter", changed: (value) => change({ vendor: value }) });
  const category = labelledSelect({ label: "Category", testId: "category-filter", changed: (value) => change({ category: value }) });
  const sort = labelledSelect({ label: "Sort by", testId: "sort", changed: (value) => change({ sort: value }) });
  const size = labelledSelect({ label: "Per page", testId: "page-size", changed: (value) => change({ size: Number(value) }) });
  const counted = (name, counts) => [["", name], ...counts.map(([value, count]) => [value, `${value} (${count})`])];
  function show(current, products) {
    if (searchInput.value.trim() !== current.search) searchInput.value = current.search;
    vendor.show(counted("All vendors", facetCounts(products, current, "vendor")), current.vendor);
    category.show(counted("All categories", facetCounts(products, current, "category")), current.category);
    sort.show(sortOrders, current.sort);
    size.show(pageSizes.map((each) => [String(each), String(each)]), String(current.size));
  }
  show(query, []);
  const node = h("div", { "class": "toolbar", "role": "search", "aria-label": "Catalogue" },
    h("div", { class: "field toolbar-search" }, h("label", { class: "field-label", for: "search" }, "Search"),
      h("span", { class: "search-box" }, icon("search"), searchInput, h("kbd", { "class": "search-key", "aria-hidden": "true" }, "/"))),
    vendor.node, category.node, sort.node, size.node);
  return { node, show, searchInput };
}

function filterChips(query, change) {
  const parts = [["search", query.search && `“${query.search}”`], ["vendor", query.vendor], ["category", query.category]];
  return parts.filter(([, text]) => text).map(([field, text]) => h("button", {
    "type": "button", "class": "chip", "aria-label": `Remove filter ${text}`, "on": { click: () => change({ [field]: "" }) },
  }, text, icon("close")));
}

// "/" goes to the search field, unless it is being typed somewhere.
function searchShortcut(input) {
  const listener = (event) => {
    const isTyping = event.target.closest?.("input, textarea, select, dialog");
    if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    input.focus();
    input.select();
  };
  addEventListener("keydown", listener);
  return listener;
}
