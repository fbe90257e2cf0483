// What the catalogue page shows for a query: search, filters with counts, order, page. Pure functions
// over the list of products, plus the store that loads the list once.
//
//   products ──search──▶ ──vendor──▶ ──category──▶ ──sort──▶ ──page──▶ cards
//                 └─ counts of a filter leave out that filter, so that its options stay choosable

import { originalCents } from "./format.js";

export const sortOrders = [
  ["featured", "Featured"],
  ["name", "Name A–Z"],
  ["price-up", "Price: low to high"],
  ["price-down", "Price: high to low"],
  ["discount", "Biggest discount"],
];
export const pageSizes = [12, 24, 48, 96];
export const defaultQuery = Object.freeze({
  search: "", vendor: "", category: "", sort: "featured", size: 24, page: 1,
});

// A query from the address bar. Values that make no sense fall back one by one.
export function parseQuery(searchParams) {
  const size = Number(searchParams.get("size"));
  const page = Number(searchParams.get("page"));
  const sort = searchParams.get("sort");
  return {
    search: searchParams.get("q") ?? "",
    vendor: searchParams.get("vendor") ?? "",
    category: searchParams.get("category") ?? "",
    sort: sortOrders.some(([value]) => value === sort) ? sort : defaultQuery.sort,
    size: pageSizes.includes(size) ? size : defaultQuery.size,
    page: Number.isInteger(page) && page > 0 ? page : 1,
  };
}

// The reverse: defaults are left out, so that the plain catalogue has a plain address.
export function formatQuery(query) {
  const params = new URLSearchParams();
  const names = { search: "q", vendor: "vendor", category: "category", sort: "sort", size: "size", page: "page" };
  for (const [field, name] of Object.entries(names)) {
    if (query[field] !== defaultQuery[field]) params.set(name, query[field]);
  }
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}

// Case and accents do not matter to a search.
function folded(text) {
  return String(text).normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

// Every word must occur in the name, the vendor or the id.
export function matchesSearch(product, search) {
  const text = folded(`${product.name} ${product.vendor} ${product.externalProductId}`);
  return folded(search).split(/\s+/).every((word) => text.includes(word));
}

export function filterProducts(products, { search = "", vendor = "", category = "" }) {
  return products.filter((product) =>
    (vendor === "" || product.vendor === vendor)
    && (category === "" || product.category === category)
    && matchesSearch(product, search));
}

// [value, count] of `field` ("vendor" or "category") under all *other* filters, by name. The chosen
// value stays listed at zero: otherwise a select would silently jump to another one.
export function facetCounts(products, query, field) {
  const counts = new Map();
  if (query[field] !== "") counts.set(query[field], 0);
  for (const product of filterProducts(products, { ...query, [field]: "" })) {
    counts.set(product[field], (counts.get(product[field]) ?? 0) + 1);
  }
  return [...counts].sort(([a], [b]) => a.localeCompare(b, "en"));
}

// A sorted copy. Sorting is stable: equal products keep the server's order, which is "featured".
export function sortProducts(products, sort) {
  const saving = (product) => originalCents(product.price, product.discount) - product.price * 100;
  const compare = {
    "name": (a, b) => a.name.localeCompare(b.name, "en"),
    "price-up": (a, b) => a.price - b.price,
    "price-down": (a, b) => b.price - a.price,
    "discount": (a, b) => b.discount - a.discount || saving(b) - saving(a),
  }[sort];
  return compare === undefined ? [...products] : [...products].sort(compare);
}

// One page, with a page number past the end brought back to the last page.
export function pageOf(items, page, size) {
  const pageCount = Math.max(1, Math.ceil(items.length / size));
  const current = Math.min(Math.max(1, page), pageCount);
  const start = (current - 1) * size;
  return { items: items.slice(start, start + size), page: current, pageCount, start };
}

// The numbers a pager shows, at most seven, `null` where some are left out: 1 … 4 5 6 … 13.
export function pagerNumbers(page, pageCount) {
  if (pageCount <= 7) return Array.from({ length: pageCount }, (_, index) => index + 1);
  if (page <= 4) return [1, 2, 3, 4, 5, null, pageCount];
  if (page >= pageCount - 3) {
    return [1, null, ...[4, 3, 2, 1, 0].map((back) => pageCount - back)];
  }
  return [1, null, page - 1, page, page + 1, null, pageCount];
}

const pageSizeMax = 100;

// Loads all products once and keeps them for the life of the page. A failed load is forgotten, so
// that the next caller tries again.
export class Catalogue {
  #api;
  #loading = null;
  #products = null;

  constructor(api) {
    this.#api = api;
  }

  // The products if they are there already, else `null`.
  get products() {
    return this.#products;
  }

  find(productId) {
    return this.#products?.find((product) => product.externalProductId === productId) ?? null;
  }

  load() {
    this.#loading ??= this.#loadAll().catch((error) => {
      this.#loading = null;
      throw error;
    });
    return this.#loading;
  }

  async #loadAll() {
    const products = [];
    for (;;) {
      const page = await this.#api.products({ offset: products.length, size: pageSizeMax });
      products.push(...page.items);
      // An empty page ends the walk even if `total` shrank or lied meanwhile.
      if (page.items.length === 0 || products.length >= page.total) break;
    }
    this.#products = products;
    return products;
  }
}
