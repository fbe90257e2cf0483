// The HTTP API. Every call answers with parsed JSON or throws one of two errors: `APIError` when the
// server said no, `NetworkError` when nothing useful came back.

export class APIError extends Error {
  constructor(status, problem) {
    super(problemText(status, problem));
    this.status = status;
    this.problem = problem;
  }
}

export class NetworkError extends Error {
  constructor() {
    super("We could not reach the shop. Check your connection and try again.");
  }
}

// What a person should read: the messages of a validation problem, else its detail, else a default.
export function problemText(status, problem) {
  const messages = Object.values(problem?.errors ?? {}).flat();
  if (messages.length > 0) return messages.join(" ");
  if (typeof problem?.detail === "string" && problem.detail !== "") return problem.detail;
  if (status === 429) return "That was a little too fast. Wait a moment and try again.";
  if (status >= 500) return "The shop has a problem right now. Try again in a moment.";
  return problem?.title ?? `The shop answered with status ${status}.`;
}

export class API {
  #base;
  #session;
  #fetch;
  #timeout;

  // `timeout`: milliseconds until a call without an answer counts as a network error.
  constructor({ base, session, fetch = globalThis.fetch.bind(globalThis), timeout = 20_000 }) {
    this.#base = base;
    this.#session = session;
    this.#fetch = fetch;
    this.#timeout = timeout;
  }

  // → { userId, token, expiresAtUtc }. Anonymous.
  signIn(userId) {
    return this.#call("POST", "/dev/token", { body: { userId }, isAnonymous: true });
  }

  // → { offset, size, total, items }. `size` is 1..100.
  products({ offset, size, signal }) {
    return this.#call("GET", `/api/products?offset=${offset}&size=${size}`, { signal });
  }

  product(id, { signal } = {}) {
    return this.#call("GET", `/api/products/${encodeURIComponent(id)}`, { signal });
  }

  // → the order. The same key with the same items makes one order, however often it is sent.
  placeOrder(items, idempotencyKey) {
    const headers = { "Idempotency-Key": idempotencyKey };
    return this.#call("POST", "/api/orders", { body: { items }, headers });
  }

  orders({ offset, size, signal }) {
    return this.#call("GET", `/api/orders?offset=${offset}&size=${size}`, { signal });
  }

  order(id, { signal } = {}) {
    return this.#call("GET", `/api/orders/${encodeURIComponent(id)}`, { signal });
  }

  deleteOrder(id) {
    return this.#call("DELETE", `/api/orders/${encodeURIComponent(id)}`);
  }

  async #call(method, path, { body, headers = {}, signal, isAnonymous = false } = {}) {
    const token = isAnonymous ? null : this.#session.token;
    const request = { method, headers: { Accept: "application/json", ...headers } };
    if (token !== null) request.headers.Authorization = `Bearer ${token}`;
    if (body !== undefined) {
      request.headers["Content-Type"] = "application/json";
      request.body = JSON.stringify(body);
    }
    const { status, json } = await this.#exchange(path, request, signal);
    if (status >= 200 && status < 300) return json;
    // A late answer to an old token must not end the session that replaced it.
    if (status === 401 && !isAnonymous && token === this.#session.token) this.#session.end("expired");
    throw new APIError(status, json);
  }

  // One request, its body included, within the time limit. An abort by `signal` is passed on as it
  // is, so that a page that was left can tell it from a failure.
  async #exchange(path, request, signal) {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), this.#timeout);
    const abort = () => limit.abort();
    signal?.addEventListener("abort", abort);
    try {
      const response = await this.#fetch(this.#base + path, { ...request, signal: limit.signal });
      return { status: response.status, json: await parsedBody(response) };
    } catch {
      signal?.throwIfAborted();
      throw new NetworkError();
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }
}

// `null` for an empty body and for an error page that is not JSON; its status says enough.
async function parsedBody(response) {
  const text = await response.text();
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (response.ok) throw error;
    return null;
  }
}
