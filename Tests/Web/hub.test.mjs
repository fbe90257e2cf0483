// Claims about the SignalR client, with a scripted WebSocket and a clock that moves when told.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionLost, HubConnection, InvocationError, hubLimits, reconnectDelay } from "../../web/js/hub.js";
import { FakeClock, FakeSocket, settle } from "./fakes.mjs";

const rs = "\u001e";
const ping = `{"type":6}${rs}`;

// Each attempt takes half of its longest wait.
function makeHub({ random = () => 0.5, address = () => "wss://shop/hubs/order-status" } = {}) {
    const clock = new FakeClock();
    const sockets = [];
    const openSocket = (url) => {
        sockets.push(new FakeSocket(url));
        return sockets.at(-1);
    };
    const hub = new HubConnection({ address, openSocket, clock, random });
    const states = [];
    hub.stateChanges.subscribe((state) => states.push(state));
    return { hub, clock, sockets, states };
}

function makeConnectedHub(options) {
    const parts = makeHub(options);
    parts.hub.start();
    parts.sockets[0].open();
    parts.sockets[0].receive(`{}${rs}`);
    return parts;
}

test("the handshake is the first thing sent, and a ping follows its answer", () => {
    const { hub, sockets, states } = makeHub();

    hub.start();
    sockets[0].open();
    assert.deepEqual(sockets[0].records, [{ protocol: "json", version: 1 }]);
    sockets[0].receive(`{}${rs}`);

    assert.deepEqual(sockets[0].records[1], { type: 6 });
    assert.deepEqual(states, ["connecting", "connected"]);
});

test("a handshake answer may come in pieces, with the first message in the same frame", () => {
    const stream = `{}${rs}{"type":1,"target":"Notification","arguments":[7]}${rs}`;
    for (let split = 0; split <= stream.length; split += 1) {
        const { hub, sockets } = makeHub();
        const received = [];
        hub.on("Notification", (value) => received.push(value));

        hub.start();
        sockets[0].open();
        sockets[0].receive(stream.slice(0, split));
        sockets[0].receive(stream.slice(split));

        assert.equal(hub.state, "connected");
        assert.deepEqual(received, [7]);
    }
});

test("a refused handshake closes the socket and waits", (t) => {
    t.mock.method(console, "warn", () => {});
    const { hub, clock, sockets } = makeHub();

    hub.start();
    sockets[0].open();
    sockets[0].receive(`{"error":"Handshake was canceled."}${rs}`);

    assert.equal(hub.state, "disconnected");
    assert.ok(sockets[0].isClosed);
    assert.deepEqual(clock.pending, [500]);
});

test("a handshake without an answer is given up after 15 s and not before", () => {
    const { hub, clock, sockets } = makeHub();

    hub.start();
    sockets[0].open();
    clock.advance(14_999);
    assert.equal(hub.state, "connecting");
    clock.advance(1);

    assert.equal(hub.state, "disconnected");
    assert.ok(sockets[0].isClosed);
});

test("several records of one frame are dispatched in order", () => {
    const { hub, sockets } = makeConnectedHub();
    const received = [];
    hub.on("notification", (...args) => received.push(args));

    sockets[0].receive(`{"type":1,"target":"Notification","arguments":[1,2]}${rs}${ping}{"type":1,"target":"NOTIFICATION","arguments":[]}${rs}`);

    assert.deepEqual(received, [[1, 2], []]);
});

test("message types of later protocol versions are passed over", () => {
    const { hub, sockets } = makeConnectedHub();

    sockets[0].receive(`{"type":8,"sequenceId":1}${rs}{"type":99}${rs}`);

    assert.equal(hub.state, "connected");
});

test("a handler that throws does not cost the connection", (t) => {
    t.mock.method(console, "error", () => {});
    const { hub, sockets } = makeConnectedHub();
    hub.on("Notification", () => { throw new Error("page"); });

    sockets[0].receive(`{"type":1,"target":"Notification","arguments":[]}${rs}`);

    assert.equal(hub.state, "connected");
});

test("the server's question for a result is answered with an error", () => {
    const { sockets } = makeConnectedHub();

    sockets[0].receive(`{"type":1,"invocationId":"s1","target":"Ask","arguments":[]}${rs}`);

    assert.deepEqual(sockets[0].records.at(-1), { type: 3, invocationId: "s1", error: "Client didn't provide a result." });
});

test("completions find their invocation whatever their order", async () => {
    const { hub, sockets } = makeConnectedHub();

    const first = hub.invoke("GetCurrentStatus", "a");
    const second = hub.invoke("RegisterOrder", "b");
    assert.deepEqual(sockets[0].records.at(-1), { arguments: ["b"], invocationId: "1", target: "RegisterOrder", type: 1 });
    sockets[0].receive(`{"type":3,"invocationId":"1"}${rs}{"type":3,"invocationId":"0","result":{"status":1,"orderId":null}}${rs}`);

    assert.deepEqual(await first, { status: 1, orderId: null });
    assert.equal(await second, null);
});

test("a completion with an error rejects its invocation only", async () => {
    const { hub, sockets } = makeConnectedHub();

    const failing = hub.invoke("RegisterOrder", "x");
    sockets[0].receive(`{"type":3,"invocationId":"0","error":"Invalid correlationId"}${rs}{"type":3,"invocationId":"77","error":"unknown"}${rs}`);

    await assert.rejects(failing, (error) => error instanceof InvocationError && error.message === "Invalid correlationId");
    assert.equal(hub.state, "connected");
});

test("invocations end with the connection, and none starts without one", async () => {
    const { hub, sockets } = makeConnectedHub();

    const open = hub.invoke("GetCurrentStatus", "a");
    sockets[0].drop();

    await assert.rejects(open, ConnectionLost);
    await assert.rejects(hub.invoke("Ping"), ConnectionLost);
});

test("a quiet connection pings every 15 s, counted from the last thing sent", () => {
    const { hub, clock, sockets } = makeConnectedHub();
    const count = () => sockets[0].sent.filter((text) => text === ping).length;

    clock.advance(8_000);
    hub.invoke("Ping").catch(() => {});
    sockets[0].receive(ping);
    clock.advance(14_999);
    assert.equal(count(), 1);
    clock.advance(1);

    assert.equal(count(), 2);
});

test("pings of the server keep ours going while the timers of a hidden tab are held back", () => {
    const { clock, sockets } = makeConnectedHub();
    const heldBack = clock.setTimeout;
    clock.setTimeout = (action, delay) => heldBack(action, Math.max(delay, 60_000));
    sockets[0].receive(ping);

    clock.advance(10_000);
    const before = sockets[0].sent.length;
    sockets[0].receive(ping);

    assert.equal(sockets[0].sent.length, before + 1);
});

test("30 s without anything from the server end the connection, any record restarts them", () => {
    const { hub, clock, sockets } = makeConnectedHub();

    clock.advance(29_999);
    sockets[0].receive(ping);
    clock.advance(29_999);
    assert.equal(hub.state, "connected");
    clock.advance(1);

    assert.equal(hub.state, "disconnected");
    assert.ok(sockets[0].isClosed);
});

test("the wait before an attempt is below a doubling bound that stops at 30 s", () => {
    const bounds = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000];
    for (const [attempt, bound] of bounds.entries()) {
        assert.equal(reconnectDelay(attempt, () => 0), 0);
        assert.equal(reconnectDelay(attempt, () => 0.5), bound / 2);
        assert.ok(reconnectDelay(attempt, () => 0.999999) < bound);
    }
    assert.ok(reconnectDelay(1_000_000, () => 0.999999) < hubLimits.delayMax);
});

test("attempts go on without end, and each failure is counted", () => {
    const { hub, clock, sockets } = makeHub({ random: () => 0.999 });
    const failures = [];
    hub.failures.subscribe((count) => failures.push(count));

    hub.start();
    for (let attempt = 0; attempt < 200; attempt += 1) {
        sockets.at(-1).drop();
        const delay = clock.pending[0];
        const bound = Math.min(30_000, 1_000 * 2 ** attempt);
        assert.ok(delay > bound * 0.99 && delay < bound);
        clock.advance(delay);
    }

    assert.equal(sockets.length, 201);
    assert.equal(failures.at(-1), 200);
});

test("delays start afresh after a connection that lived 5 s, not after a shorter one", () => {
    for (const [lifetime, expected] of [[4_999, 1_000], [5_000, 500]]) {
        const { hub, clock, sockets } = makeHub();
        hub.start();
        sockets[0].drop();
        clock.advance(500);
        sockets[1].open();
        sockets[1].receive(`{}${rs}`);

        clock.advance(lifetime);
        sockets[1].drop();

        assert.equal(clock.pending[0], expected);
    }
});

test("Close with allowReconnect comes back, Close without it stays away until asked", (t) => {
    t.mock.method(console, "warn", () => {});
    const back = makeConnectedHub();
    back.sockets[0].receive(`{"type":7,"allowReconnect":true}${rs}`);
    back.clock.advance(500);
    assert.equal(back.sockets.length, 2);

    const away = makeConnectedHub();
    away.sockets[0].receive(`{"type":7,"error":"Connection closed with an error."}${rs}${ping}`);
    away.clock.advance(3_600_000);
    assert.equal(away.sockets.length, 1);
    assert.equal(away.hub.state, "disconnected");
    away.hub.start();
    assert.equal(away.sockets.length, 2);
});

test("stop says goodbye, leaves no timer and does not come back", () => {
    const { hub, clock, sockets } = makeConnectedHub();

    hub.stop();

    assert.deepEqual(sockets[0].records.at(-1), { type: 7 });
    assert.ok(sockets[0].isClosed);
    assert.deepEqual(clock.pending, []);
});

test("events of a socket that was given up are ignored", () => {
    const { hub, clock, sockets } = makeConnectedHub();
    hub.stop();
    hub.start();

    sockets[0].receive(`{"type":7}${rs}`);
    sockets[0].drop();

    assert.equal(hub.state, "connecting");
    assert.equal(sockets.length, 2);
    assert.deepEqual(clock.pending, [15_000]);
});

test("unreadable data costs the connection and is followed by an attempt", (t) => {
    t.mock.method(console, "warn", () => {});
    for (const record of ["nonsense", "null", "{"]) {
        const { hub, clock, sockets } = makeConnectedHub();

        sockets[0].receive(record + rs);

        assert.equal(hub.state, "disconnected", record);
        clock.advance(500);
        assert.equal(sockets.length, 2);
    }
});

test("a hint cuts a wait short", () => {
    const { hub, sockets } = makeHub();
    hub.start();
    sockets[0].drop();

    hub.hint();

    assert.equal(sockets.length, 2);
});

test("after a hint a connection that answers stays, one that does not within 5 s goes", async () => {
    const alive = makeConnectedHub();
    alive.clock.advance(2_000);
    alive.hub.hint();
    alive.sockets[0].receive(`{"type":3,"invocationId":"0","result":null}${rs}`);
    await settle();
    alive.clock.advance(5_000);
    await settle();
    assert.equal(alive.hub.state, "connected");

    const dead = makeConnectedHub();
    dead.clock.advance(2_000);
    dead.hub.hint();
    dead.clock.advance(5_000);
    await settle();
    assert.equal(dead.hub.state, "disconnected");
});

test("without an address no attempt is made", () => {
    const { hub, sockets } = makeHub({ address: () => null });

    hub.start();

    assert.equal(sockets.length, 0);
});

test("each attempt asks for the address again, because the token may be a new one", () => {
    let token = "one";
    const { hub, clock, sockets } = makeHub({ address: () => `wss://shop/?access_token=${token}` });

    hub.start();
    token = "two";
    sockets[0].drop();
    clock.advance(500);

    assert.deepEqual(sockets.map(({ url }) => url), ["wss://shop/?access_token=one", "wss://shop/?access_token=two"]);
});
