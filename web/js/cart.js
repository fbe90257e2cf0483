// The cart: pure arithmetic on a list of lines, and the store that shares the list between tabs.
//
//   tab A ──write──▶ localStorage ──storage event──▶ tab B reads
//
// A line keeps name, vendor and price as they were when it was added, so that the cart can be drawn
// before the catalogue is loaded. The server prices the order; the cart only shows a preview.

import { Emitter } from "./emitter.js";
import { cents, originalCents } from "./format.js";
import { readJSON, writeJSON } from "./storage.js";

export const quantityMax = 99;

export function lineFor(product, quantity) {
  const { externalProductId, name, vendor, category, billingPeriod, price, discount } = product;
  return { productId: externalProductId, name, vendor, category, billingPeriod, price, discount, quantity };
}

// Adds to the line of the same product, or a new line at the end. Quantities stop at 99.
export function addLine(lines, line) {
  const existing = lines.find(({ productId }) => productId === line.productId);
  if (existing === undefined) return [...lines, { ...line, quantity: clamped(line.quantity) }];
  return setQuantity(lines, line.productId, existing.quantity + line.quantity);
}

// Zero or less removes the line.
export function setQuantity(lines, productId, quantity) {
  if (quantity <= 0) return removeLine(lines, productId);
  return lines.map((line) =>
    line.productId === productId ? { ...line, quantity: clamped(quantity) } : line);
}

export function removeLine(lines, productId) {
  return lines.filter((line) => line.productId !== productId);
}

function clamped(quantity) {
  return Math.min(quantityMax, Math.max(1, Math.trunc(quantity)));
}

// All amounts in cents; `count` is the number of units. `monthly` and `annual` say what renews when.
export function totals(lines) {
  const sum = { count: 0, total: 0, original: 0, saving: 0, monthly: 0, annual: 0 };
  for (const line of lines) {
    const amount = cents(line.price) * line.quantity;
    sum.count += line.quantity;
    sum.total += amount;
    sum.original += originalCents(line.price, line.discount) * line.quantity;
    if (line.billingPeriod === "Monthly") sum.monthly += amount;
    if (line.billingPeriod === "Annual") sum.annual += amount;
  }
  sum.saving = sum.original - sum.total;
  return sum;
}

export function orderItems(lines) {
  return lines.map(({ productId, quantity }) => ({ productId, quantity }));
}

// Equal for carts that make equal orders; names the cart an idempotency key belongs to.
export function fingerprint(lines) {
  return lines.map(({ productId, quantity }) => `${productId}×${quantity}`).sort().join("|");
}

// What storage holds, with everything that is not a line left out.
export function parseLines(stored) {
  if (!Array.isArray(stored?.lines)) return [];
  return stored.lines.filter((line) =>
    typeof line?.productId === "string" && typeof line.name === "string"
    && Number.isFinite(line.price) && Number.isInteger(line.quantity)
    && line.quantity >= 1 && line.quantity <= quantityMax);
}

export class Cart {
  changes = new Emitter();
  lines = [];
  #storage;
  #key = null;

  constructor({ storage = localStorage } = {}) {
    this.#storage = storage;
  }

  // Each user has an own cart; `null` while nobody is signed in.
  use(userId) {
    this.#key = userId === null ? null : `contoso.cart.v1.${userId}`;
    this.#read();
  }

  // Call for each `storage` event of the window.
  storageChanged(event) {
    if (this.#key !== null && (event.key === this.#key || event.key === null)) this.#read();
  }

  add(product, quantity = 1) {
    this.#change((lines) => addLine(lines, lineFor(product, quantity)));
  }

  setQuantity(productId, quantity) {
    this.#change((lines) => setQuantity(lines, productId, quantity));
  }

  remove(productId) {
    this.#change((lines) => removeLine(lines, productId));
  }

  // Puts a removed line back (undo).
  restore(line) {
    this.#change((lines) => addLine(lines, line));
  }

  clear() {
    this.#change(() => []);
  }

  // Starts from storage and not from memory: another tab may have written a moment ago, and its
  // event may not have arrived yet.
  #change(transform) {
    if (this.#key === null) return;
    const stored = readJSON(this.#storage, this.#key);
    this.lines = transform(stored === null ? this.lines : parseLines(stored));
    const updatedAt = new Date().toISOString();
    writeJSON(this.#storage, this.#key, { v: 1, updatedAt, lines: this.lines });
    this.changes.emit(this.lines);
  }

  #read() {
    this.lines = this.#key === null ? [] : parseLines(readJSON(this.#storage, this.#key));
    this.changes.emit(this.lines);
  }
}
