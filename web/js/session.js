// Who is signed in. One session per browser, shared by all tabs through localStorage.
//
//   none ──begin──▶ active ──end("signed-out" | "expired")──▶ none
//                     │ the token's time is over ──────────▶ none ("expired")
//                     │ another tab signs in or out ────────▶ whatever that tab wrote ("elsewhere")

import { Emitter } from "./emitter.js";
import { parseMoment } from "./format.js";
import { readJSON, removeKey, writeJSON } from "./storage.js";

export const sessionKey = "contoso.auth.v1";

// The longest delay `setTimeout` takes: 2^31 - 1 ms.
const delayMax = 2_147_483_647;

export class Session {
  // Emits `{ reason }` after every change; `reason` is "began" or the word of the drawing.
  changes = new Emitter();
  #storage;
  #now;
  #value = null;
  #expiryTimer = null;

  constructor({ storage = localStorage, now = Date.now } = {}) {
    this.#storage = storage;
    this.#now = now;
    this.#adopt(readJSON(storage, sessionKey));
  }

  get userId() {
    return this.#value?.userId ?? null;
  }

  get token() {
    return this.#value?.token ?? null;
  }

  get isActive() {
    return this.#value !== null;
  }

  begin({ userId, token, expiresAtUtc }) {
    const value = { userId, token, expiresAtUtc };
    writeJSON(this.#storage, sessionKey, value);
    this.#adopt(value);
    this.changes.emit({ reason: "began" });
  }

  end(reason) {
    if (!this.isActive) return;
    removeKey(this.#storage, sessionKey);
    this.#adopt(null);
    this.changes.emit({ reason });
  }

  // Call for each `storage` event of the window; such events come from other tabs only.
  storageChanged(event) {
    if (event.key !== sessionKey && event.key !== null) return;
    const tokenBefore = this.token;
    this.#adopt(readJSON(this.#storage, sessionKey));
    if (this.token !== tokenBefore) this.changes.emit({ reason: "elsewhere" });
  }

  #adopt(candidate) {
    clearTimeout(this.#expiryTimer);
    this.#value = isUsable(candidate, this.#now()) ? candidate : null;
    if (this.#value === null) return;
    const remaining = parseMoment(this.#value.expiresAtUtc).getTime() - this.#now();
    this.#expiryTimer = setTimeout(() => this.end("expired"), Math.min(remaining, delayMax));
  }
}

export function isUsable(candidate, now) {
  if (typeof candidate?.userId !== "string" || candidate.userId === "") return false;
  if (typeof candidate.token !== "string" || candidate.token === "") return false;
  return parseMoment(candidate.expiresAtUtc).getTime() > now;
}
