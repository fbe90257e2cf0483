// A SignalR client over one WebSocket: handshake, invocations, keep-alive, reconnect without end.
//
//   idle ──start──▶ opening ──open──▶ handshaking ──{}──▶ connected
//                      ▲                   │                  │
//                      │                   └──── lost ────────┤  lost, or Close with allowReconnect
//                      └── delay, hint, start ── waiting ◀────┘
//   any ──stop, or Close without allowReconnect──▶ stopped ──start──▶ opening
//
// Source: SignalR HubProtocol and TransportProtocols (WebSocket without negotiation); full jitter
// from "Exponential Backoff And Jitter".

import { Emitter } from "./emitter.js";
import { RecordReader, encodeRecord, messageType } from "./hub-records.js";

// All in milliseconds.
export const hubLimits = Object.freeze({
  handshakeTimeout: 15_000,
  keepAliveInterval: 15_000,   // the server drops a client that is silent for 30 s
  serverTimeout: 30_000,       // two pings of the server may be missed
  verifyTimeout: 5_000,        // how long a connection in doubt has to answer
  delayBase: 1_000,
  delayMax: 30_000,
  stableAfter: 5_000,          // a connection that lived this long starts the delays afresh
});

// The wait before attempt number `attempt` (0, 1, 2, …): anywhere below a doubling bound, so that
// the clients of a restarted server do not come back in step.
export function reconnectDelay(attempt, random, { delayBase, delayMax } = hubLimits) {
  return random() * Math.min(delayMax, delayBase * 2 ** Math.min(attempt, 30));
}

// The server's answer to one invocation was an error; the connection lives.
export class InvocationError extends Error {}

// The connection went away before the answer came; the outcome is unknown.
export class ConnectionLost extends Error {
  constructor() {
    super("The live connection was lost.");
  }
}

export class HubConnection {
  // Emits the pill's word, "connecting" | "connected" | "disconnected", when it changes.
  stateChanges = new Emitter();
  // Emits the number of attempts that have failed in a row, after each failure.
  failures = new Emitter();
  #state = "idle";
  #shownState = "disconnected";
  #attempt = 0;
  #socket = null;
  #reader = null;
  #invocations = new Map();
  #nextInvocationId = 0;
  #handlers = new Map();
  #lastSentAt = 0;
  #lastReceivedAt = 0;
  #timers = { handshake: null, keepAlive: null, server: null, retry: null, stable: null };
  #address;
  #openSocket;
  #clock;
  #random;
  #limits;

  // `address()` gives the URL for the next attempt, token included, or `null` to stay away.
  constructor({ address, openSocket, clock = systemClock, random = Math.random, limits = hubLimits }) {
    this.#address = address;
    this.#openSocket = openSocket ?? ((url) => new WebSocket(url));
    this.#clock = clock;
    this.#random = random;
    this.#limits = limits;
  }

  // "connecting", "connected" or "disconnected".
  get state() {
    return this.#shownState;
  }

  // Calls `handler(...arguments)` for each invocation of `target` by the server. Names ignore case.
  on(target, handler) {
    this.#handlers.set(target.toLowerCase(), handler);
  }

  // Connects now unless that is done or under way; also cuts a waiting delay short.
  start() {
    if (["opening", "handshaking", "connected"].includes(this.#state)) return;
    const url = this.#address();
    if (url === null) return;
    this.#cancel("retry");
    this.#open(url);
  }

  stop() {
    if (this.#state === "connected") this.#send({ type: messageType.close });
    this.#release();
    this.#attempt = 0;
    this.#enter("stopped");
  }

  // The system says that the network or the tab came back, or that the network went away. These are
  // hints: a waiting connection tries at once, a quiet open one has to prove that it is alive.
  hint() {
    if (this.#state === "waiting") {
      this.start();
    } else if (this.#state === "connected" && this.#clock.now() - this.#lastReceivedAt > 1_000) {
      this.#verify();
    }
  }

  // → the result. Rejects with InvocationError or ConnectionLost.
  invoke(target, ...args) {
    if (this.#state !== "connected") return Promise.reject(new ConnectionLost());
    const invocationId = String(this.#nextInvocationId++);
    return new Promise((resolve, reject) => {
      this.#invocations.set(invocationId, { resolve, reject });
      this.#send({ arguments: args, invocationId, target, type: messageType.invocation });
    });
  }

  #open(url) {
    this.#enter("opening");
    this.#reader = new RecordReader();
    const socket = this.#openSocket(url);
    this.#socket = socket;
    // Events of a socket that was given up may still arrive; they are not ours any more.
    const ifCurrent = (action) => (event) => {
      if (this.#socket === socket) action(event);
    };
    socket.onopen = ifCurrent(() => this.#opened());
    socket.onmessage = ifCurrent((event) => this.#received(event.data));
    socket.onclose = ifCurrent(() => this.#lost());
    this.#arm("handshake", this.#limits.handshakeTimeout, () => this.#lost());
  }

  #opened() {
    this.#enter("handshaking");
    this.#send({ protocol: "json", version: 1 });
  }

  #received(text) {
    this.#lastReceivedAt = this.#clock.now();
    const socket = this.#socket;
    try {
      for (const record of this.#reader.append(text)) {
        if (this.#state === "handshaking") this.#handshakeAnswered(JSON.parse(record));
        else this.#dispatch(JSON.parse(record));
        // A handler or a Close record may have ended this connection.
        if (this.#socket !== socket) return;
      }
    } catch (error) {
      if (this.#socket !== socket) return;
      console.warn("The hub sent something unreadable.", error);
      this.#lost();
      return;
    }
    if (this.#state !== "connected") return;
    this.#arm("server", this.#limits.serverTimeout, () => this.#lost());
    // Browsers slow the timers of hidden tabs down to one a minute, but still deliver messages: the
    // server's pings keep our own going.
    if (this.#clock.now() - this.#lastSentAt >= this.#limits.keepAliveInterval * 0.6) this.#ping();
  }

  #handshakeAnswered(answer) {
    if (answer.error) throw new Error(answer.error);
    this.#cancel("handshake");
    this.#arm("stable", this.#limits.stableAfter, () => { this.#attempt = 0; });
    this.#arm("server", this.#limits.serverTimeout, () => this.#lost());
    // The state changes before the first ping, but listeners run after it: the server arms its
    // timeout for this client with that ping.
    this.#state = "connected";
    this.#ping();
    this.#enter("connected");
  }

  #dispatch(message) {
    switch (message.type) {
    case messageType.invocation: return this.#invoked(message);
    case messageType.completion: return this.#completed(message);
    case messageType.close: return this.#closed(message);
    default: return undefined;   // Ping, and types of later protocol versions
    }
  }

  #invoked({ target, arguments: args, invocationId }) {
    const handler = this.#handlers.get(String(target).toLowerCase());
    try {
      handler?.(...args);
    } catch (error) {
      // A mistake in a page must not cost the connection.
      console.error(error);
    }
    if (invocationId === undefined) return;
    this.#send({ type: messageType.completion, invocationId, error: "Client didn't provide a result." });
  }

  #completed({ invocationId, result, error }) {
    const invocation = this.#invocations.get(invocationId);
    if (invocation === undefined) return;
    this.#invocations.delete(invocationId);
    if (error !== undefined) invocation.reject(new InvocationError(error));
    else invocation.resolve(result ?? null);
  }

  #closed({ error, allowReconnect }) {
    if (error) console.warn("The hub closed the connection.", error);
    if (allowReconnect === true) return this.#lost();
    this.#release();
    return this.#enter("stopped");
  }

  // Gives the socket up, if there is one, and plans the next attempt.
  #lost() {
    this.#release();
    const delay = reconnectDelay(this.#attempt, this.#random, this.#limits);
    this.#attempt += 1;
    this.#enter("waiting");
    this.#arm("retry", delay, () => this.start());
    this.failures.emit(this.#attempt);
  }

  async #verify() {
    const socket = this.#socket;
    const isAnswered = this.invoke("Ping").then(() => true, (error) => error instanceof InvocationError);
    const isLate = new Promise((resolve) => {
      this.#clock.setTimeout(() => resolve(false), this.#limits.verifyTimeout);
    });
    const isAlive = await Promise.race([isAnswered, isLate]);
    if (!isAlive && this.#socket === socket && this.#state === "connected") this.#lost();
  }

  #release() {
    Object.keys(this.#timers).forEach((name) => this.#cancel(name));
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    const invocations = [...this.#invocations.values()];
    this.#invocations.clear();
    for (const { reject } of invocations) reject(new ConnectionLost());
  }

  #ping() {
    this.#send({ type: messageType.ping });
  }

  #send(message) {
    this.#socket.send(encodeRecord(message));
    this.#lastSentAt = this.#clock.now();
    if (this.#state === "connected") {
      this.#arm("keepAlive", this.#limits.keepAliveInterval, () => this.#ping());
    }
  }

  #enter(state) {
    this.#state = state;
    const shown = { opening: "connecting", handshaking: "connecting", connected: "connected" }[state]
      ?? "disconnected";
    if (shown === this.#shownState) return;
    this.#shownState = shown;
    this.stateChanges.emit(shown);
  }

  #arm(name, delay, action) {
    this.#cancel(name);
    this.#timers[name] = this.#clock.setTimeout(action, delay);
  }

  #cancel(name) {
    this.#clock.clearTimeout(this.#timers[name]);
    this.#timers[name] = null;
  }
}

const systemClock = {
  now: () => performance.now(),
  setTimeout: (action, delay) => setTimeout(action, delay),
  clearTimeout: (timer) => clearTimeout(timer),
};
