// Framing of the SignalR JSON protocol: each record is a JSON object followed by RS (0x1e), which
// cannot occur inside because JSON escapes it.
//
//   frame 1: {"type":6}␞{"type":1,"tar      frame 2: get":"Notification",…}␞
//            └─ a record ┘└─ waits ──────────────────── a record ─────────────┘
//
// Source: SignalR HubProtocol, "JSON encoding" and "Handshake request".

export const recordSeparator = "\u001e";

export const messageType = Object.freeze({
  invocation: 1, streamItem: 2, completion: 3, ping: 6, close: 7,
});

export function encodeRecord(message) {
  return JSON.stringify(message) + recordSeparator;
}

export class RecordReader {
  #pending = "";
  #lengthMax;

  // `lengthMax`: the longest record in UTF-16 units; a peer that never ends one would fill memory.
  constructor({ lengthMax = 1_048_576 } = {}) {
    this.#lengthMax = lengthMax;
  }

  // The records that `text` completes, without their separator, oldest first. Throws RangeError
  // when an unfinished record is longer than the limit.
  append(text) {
    const parts = (this.#pending + text).split(recordSeparator);
    this.#pending = parts.pop();
    if (this.#pending.length > this.#lengthMax) throw new RangeError("A hub record is too long.");
    return parts;
  }
}
