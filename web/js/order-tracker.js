// Follows the user's orders from Accepted to Completed. The list is in localStorage: a reload in the
// middle of an order catches up, and all tabs know of all orders.
//
//   201 ──track──▶ Accepted(0) ──▶ Processing(1) ──▶ Completed(2) ── kept 10 min ──▶ forgotten
//                       ▲ Notification · GetCurrentStatus · another tab; a status never goes back
//
// The push may arrive before the 201 does, on another connection. It is remembered, and the server
// sends it again when the order is registered. What happened while there was no connection is asked
// for once, after each connect; nothing is polled.

import { Emitter } from "./emitter.js";
import { readJSON, writeJSON } from "./storage.js";

export const orderStatus = Object.freeze({ accepted: 0, processing: 1, completed: 2 });
export const statusNames = Object.freeze(["Accepted", "Processing", "Completed"]);

const keptAfterCompletion = 10 * 60_000;   // ms
const stateLifetime = 30 * 60_000;         // ms; the server forgets workflow states after 30 min
const earlyCountMax = 64;

// { correlationId, status, orderId } of a push, whichever of the accepted shapes it has, or `null`.
export function parseNotification(payload) {
  const correlationId = payload?.correlationId?.value ?? payload?.correlationId;
  const status = parseStatus(payload?.status);
  if (typeof correlationId !== "string" || status === null) return null;
  return { correlationId: correlationId.toLowerCase(), status, orderId: payload.orderId ?? null };
}

export function parseStatus(status) {
  const index = typeof status === "string"
    ? statusNames.findIndex((name) => name.toLowerCase() === status.toLowerCase())
    : status;
  return statusNames[index] === undefined ? null : index;
}

// The list after `report`; the same list when nothing is new. A status never goes back.
export function applyReport(entries, report, now) {
  const entry = entries.find(({ correlationId }) => correlationId === report.correlationId);
  if (entry === undefined || report.status <= entry.status) return entries;
  const advanced = {
    ...entry,
    status: report.status,
    orderId: report.orderId ?? entry.orderId,
    completedAt: report.status === orderStatus.completed ? now : null,
  };
  return entries.map((each) => (each === entry ? advanced : each));
}

// Without orders that completed a while ago, and without those whose state the server forgot.
export function pruned(entries, now) {
  return entries.filter(({ status, completedAt, placedAt }) =>
    status === orderStatus.completed
      ? now - completedAt < keptAfterCompletion
      : now - placedAt < stateLifetime);
}

function parseEntries(stored) {
  if (!Array.isArray(stored)) return [];
  return stored.filter((entry) => typeof entry?.correlationId === "string"
    && parseStatus(entry.status) !== null && Number.isFinite(entry.placedAt));
}

export class OrderTracker {
  // Emits each entry whose status advanced, also when another tab was the first to know.
  changes = new Emitter();
  // Emits { correlationId, orderId } once per tab for each order that completes.
  completions = new Emitter();
  #hub;
  #storage;
  #now;
  #key = null;
  #entries = [];
  #early = new Map();
  #announced = new Set();

  constructor({ hub, storage = localStorage, now = Date.now }) {
    this.#hub = hub;
    this.#storage = storage;
    this.#now = now;
    hub.on("Notification", (payload) => this.#notified(payload));
    hub.stateChanges.subscribe((state) => {
      if (state === "connected") this.#catchUp(this.active);
    });
  }

  // Each user has an own list; `null` while nobody is signed in.
  use(userId) {
    this.#key = userId === null ? null : `contoso.activeOrders.v1.${userId}`;
    this.#early.clear();
    this.#announced.clear();
    this.#entries = [];
    this.#entries = this.#read();
    for (const { correlationId, status } of this.#entries) {
      if (status === orderStatus.completed) this.#announced.add(correlationId);
    }
  }

  get active() {
    return this.#entries.filter(({ status }) => status !== orderStatus.completed);
  }

  // The entry, or `null` for an order that is not followed (any more).
  find(correlationId) {
    return this.#entries.find((entry) => entry.correlationId === correlationId) ?? null;
  }

  // Follows an order the server has just accepted.
  track({ correlationId: text, id }) {
    const correlationId = text.toLowerCase();
    this.#load();
    if (this.find(correlationId) === null) {
      const placedAt = this.#now();
      this.#entries = [...this.#entries,
        { correlationId, orderId: id, status: orderStatus.accepted, placedAt, completedAt: null }];
      this.#save();
    }
    const early = this.#early.get(correlationId);
    if (early !== undefined) this.#apply(early);
    this.#catchUp(this.active.filter((entry) => entry.correlationId === correlationId));
  }

  // Nothing more is to be heard of an order that was deleted.
  forget(correlationId) {
    this.#load();
    this.#entries = this.#entries.filter((entry) => entry.correlationId !== correlationId.toLowerCase());
    this.#save();
  }

  // The status of any order of the user: known, asked for, or, when the server has no state of it
  // (any more), completed. `null` when it cannot be told now.
  async resolve({ correlationId: text, createdAt }) {
    const correlationId = text.toLowerCase();
    const entry = this.find(correlationId);
    if (entry !== null) return entry.status;
    if (this.#now() - createdAt > stateLifetime) return orderStatus.completed;
    try {
      const answer = await this.#hub.invoke("GetCurrentStatus", correlationId);
      return answer === null ? orderStatus.completed : parseStatus(answer.status);
    } catch {
      return null;
    }
  }

  // Call for each `storage` event of the window.
  storageChanged(event) {
    if (this.#key !== null && event.key === this.#key) this.#load();
  }

  // Registers first and asks then: an order that completes in between is either pushed or answered,
  // never missed.
  async #catchUp(entries) {
    if (this.#hub.state !== "connected" || entries.length === 0) return;
    const ids = entries.map(({ correlationId }) => correlationId);
    await Promise.allSettled(ids.map((id) => this.#hub.invoke("RegisterOrder", id)));
    await this.#ask(ids);
  }

  async #ask(ids) {
    await Promise.allSettled(ids.map(async (correlationId) => {
      const answer = await this.#hub.invoke("GetCurrentStatus", correlationId);
      const status = parseStatus(answer?.status);
      if (status !== null) this.#apply({ correlationId, status, orderId: answer.orderId ?? null });
    }));
  }

  #notified(payload) {
    const report = parseNotification(payload);
    if (report === null || this.#key === null) return;
    this.#load();
    if (this.find(report.correlationId) !== null) return this.#apply(report);
    // Placed in another browser, or its 201 is still on the way.
    this.#early.set(report.correlationId, report);
    if (this.#early.size > earlyCountMax) this.#early.delete(this.#early.keys().next().value);
    if (report.status === orderStatus.completed) this.#announce(report);
    return undefined;
  }

  #apply(report) {
    this.#load();
    const entries = applyReport(this.#entries, report, this.#now());
    if (entries === this.#entries) return;
    this.#entries = entries;
    this.#save();
    this.#advanced(this.find(report.correlationId));
  }

  #advanced(entry) {
    this.changes.emit(entry);
    if (entry.status === orderStatus.completed) this.#announce(entry);
  }

  #announce({ correlationId, orderId }) {
    if (this.#announced.has(correlationId)) return;
    this.#announced.add(correlationId);
    this.completions.emit({ correlationId, orderId });
  }

  // Other tabs write the same list: every change starts from what is stored. What they have written
  // is told here, because its `storage` event may come only after this tab has read it.
  #load() {
    const before = new Map(this.#entries.map((entry) => [entry.correlationId, entry.status]));
    this.#entries = this.#read();
    for (const entry of this.#entries) {
      if (before.get(entry.correlationId) !== entry.status) this.#advanced(entry);
    }
  }

  #read() {
    const stored = this.#key === null ? [] : readJSON(this.#storage, this.#key);
    const entries = stored === null ? this.#entries : parseEntries(stored);
    return pruned(entries, this.#now());
  }

  #save() {
    if (this.#key !== null) writeJSON(this.#storage, this.#key, this.#entries);
  }
}
