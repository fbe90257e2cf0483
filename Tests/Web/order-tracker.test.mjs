// Claims about following orders.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Emitter } from "../../web/js/emitter.js";
import { ConnectionLost } from "../../web/js/hub.js";
import { OrderTracker, applyReport, parseNotification, parseStatus, pruned } from "../../web/js/order-tracker.js";
import { FakeClock, FakeStorage, settle } from "./fakes.mjs";

const cid = "0a5dfd1a-69d2-4db5-95c0-9d2f18f2a5b3";
const order = { id: 12, correlationId: cid };

class FakeHub {
    state = "connected";
    stateChanges = new Emitter();
    calls = [];
    answers = new Map();

    on(target, handler) {
        this.notify = handler;
    }

    async invoke(target, correlationId) {
        this.calls.push(target);
        if (this.state !== "connected") throw new ConnectionLost();
        return target === "GetCurrentStatus" ? this.answers.get(correlationId) ?? null : null;
    }

    become(state) {
        this.state = state;
        this.stateChanges.emit(state);
    }
}

function makeTracker({ hub = new FakeHub(), storage = new FakeStorage(), clock = new FakeClock() } = {}) {
    const tracker = new OrderTracker({ hub, storage, now: clock.now });
    const completed = [];
    tracker.completions.subscribe(({ orderId }) => completed.push(orderId));
    tracker.use("CUST-0001");
    return { tracker, hub, storage, clock, completed };
}

test("a push is read in both shapes of its id and of its status", () => {
    const expected = { correlationId: cid, status: 2, orderId: 12 };

    assert.deepEqual(parseNotification({ correlationId: { value: cid }, status: 2, orderId: 12 }), expected);
    assert.deepEqual(parseNotification({ correlationId: cid.toUpperCase(), status: "COMPLETED", orderId: 12 }), expected);
    assert.equal(parseNotification({ correlationId: { value: cid }, status: 3 }), null);
    assert.equal(parseNotification(null), null);
});

test("a status is 0, 1, 2 or its word, and nothing else", () => {
    assert.deepEqual([0, 1, 2, "Processing"].map(parseStatus), [0, 1, 2, 1]);
    assert.deepEqual([-1, 3, 1.5, null, undefined, "done"].map(parseStatus), [null, null, null, null, null, null]);
});

test("a status never goes back", () => {
    const entries = [{ correlationId: cid, status: 1, orderId: 12 }];

    assert.equal(applyReport(entries, { correlationId: cid, status: 0 }, 5), entries);
    assert.equal(applyReport(entries, { correlationId: cid, status: 1 }, 5), entries);
    assert.deepEqual(applyReport(entries, { correlationId: cid, status: 2, orderId: null }, 5),
        [{ correlationId: cid, status: 2, orderId: 12, completedAt: 5 }]);
});

test("a completed order is kept 10 minutes, an open one 30", () => {
    const done = [{ status: 2, placedAt: 0, completedAt: 0 }];
    const open = [{ status: 0, placedAt: 0, completedAt: null }];

    assert.deepEqual([599_999, 600_000].map((now) => pruned(done, now).length), [1, 0]);
    assert.deepEqual([1_799_999, 1_800_000].map((now) => pruned(open, now).length), [1, 0]);
});

test("an order is registered first and asked for then", async () => {
    const { tracker, hub } = makeTracker();

    tracker.track(order);
    await settle();

    assert.deepEqual(hub.calls, ["RegisterOrder", "GetCurrentStatus"]);
});

test("after a reconnect all open orders are registered before the first is asked for", async () => {
    const { tracker, hub } = makeTracker();
    hub.state = "disconnected";
    tracker.track(order);
    tracker.track({ id: 13, correlationId: cid.replace("0a", "0b") });
    await settle();
    assert.deepEqual(hub.calls, []);

    hub.become("connected");
    await settle();

    assert.deepEqual(hub.calls, ["RegisterOrder", "RegisterOrder", "GetCurrentStatus", "GetCurrentStatus"]);
});

test("a push that overtakes the 201 is not lost, and is told once", async () => {
    const { tracker, hub, completed } = makeTracker();
    hub.notify({ correlationId: { value: cid }, status: 2, orderId: 12 });

    tracker.track(order);
    hub.notify({ correlationId: { value: cid }, status: 2, orderId: 12 });
    await settle();

    assert.equal(tracker.find(cid).status, 2);
    assert.deepEqual(completed, [12]);
});

test("a completion missed without a connection is found on the next connect, and nothing is polled", async () => {
    const { tracker, hub, clock, completed } = makeTracker();
    tracker.track(order);
    await settle();
    const callCount = hub.calls.length;
    hub.answers.set(cid, { status: 2, orderId: 12 });
    clock.advance(60_000);
    await settle();
    assert.equal(hub.calls.length, callCount);
    assert.deepEqual(completed, []);

    hub.become("disconnected");
    hub.become("connected");
    await settle();

    assert.deepEqual(completed, [12]);
});

test("a reload in the middle of an order catches up", async () => {
    const { tracker, hub, storage, clock } = makeTracker();
    tracker.track(order);
    await settle();

    hub.answers.set(cid, { status: 2, orderId: 12 });
    const reloaded = makeTracker({ storage, clock });
    reloaded.hub.answers = hub.answers;
    reloaded.hub.become("connected");
    await settle();

    assert.deepEqual(reloaded.completed, [12]);
});

test("a reload after the end does not tell the end again", async () => {
    const { tracker, hub, storage, clock } = makeTracker();
    tracker.track(order);
    hub.notify({ correlationId: { value: cid }, status: 2, orderId: 12 });

    const reloaded = makeTracker({ storage, clock });
    reloaded.hub.become("connected");
    reloaded.hub.notify({ correlationId: { value: cid }, status: 2, orderId: 12 });
    await settle();

    assert.deepEqual(reloaded.completed, []);
});

test("a tab that missed the push hears of it from another tab, once", async () => {
    const { tracker, hub, storage, clock } = makeTracker();
    const other = makeTracker({ storage, clock });
    tracker.track(order);
    other.tracker.storageChanged({ key: "contoso.activeOrders.v1.CUST-0001" });

    hub.notify({ correlationId: { value: cid }, status: 2, orderId: 12 });
    other.tracker.storageChanged({ key: "contoso.activeOrders.v1.CUST-0001" });
    other.hub.notify({ correlationId: { value: cid }, status: 2, orderId: 12 });

    assert.deepEqual(other.completed, [12]);
});

test("a push that another tab has written down first is shown here too, once", async () => {
    const { tracker, hub, storage, clock } = makeTracker();
    const other = makeTracker({ storage, clock });
    tracker.track(order);
    await settle();
    other.tracker.storageChanged({ key: "contoso.activeOrders.v1.CUST-0001" });
    const shown = [];
    tracker.changes.subscribe(({ status }) => shown.push(status));

    other.hub.notify({ correlationId: { value: cid }, status: 2, orderId: 12 });
    hub.notify({ correlationId: { value: cid }, status: 2, orderId: 12 });
    tracker.storageChanged({ key: "contoso.activeOrders.v1.CUST-0001" });

    assert.deepEqual(shown, [2]);
});

test("orders of one user are not another's", () => {
    const { tracker } = makeTracker();
    tracker.track(order);

    tracker.use("CUST-0002");
    assert.equal(tracker.find(cid), null);
    tracker.use("CUST-0001");
    assert.equal(tracker.find(cid).orderId, 12);
});

test("an order the server has no state of is complete, one it cannot be asked about is unknown", async () => {
    const { tracker, hub, clock } = makeTracker();
    assert.equal(await tracker.resolve({ correlationId: cid, createdAt: clock.now() }), 2);
    hub.answers.set(cid, { status: 1, orderId: null });
    assert.equal(await tracker.resolve({ correlationId: cid, createdAt: clock.now() }), 1);

    hub.state = "disconnected";
    assert.equal(await tracker.resolve({ correlationId: cid, createdAt: clock.now() }), null);
    assert.equal(await tracker.resolve({ correlationId: cid, createdAt: clock.now() - 1_800_001 }), 2);
});
