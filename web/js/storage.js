// JSON values in localStorage. Storage can be full, forbidden or hold what an older release wrote:
// reading then gives `null` and writing is dropped, because the shop must work without it.

export function readJSON(storage, key) {
  try {
    return JSON.parse(storage.getItem(key));
  } catch {
    return null;
  }
}

export function writeJSON(storage, key, value) {
  try {
    storage.setItem(key, JSON.stringify(value));
  } catch {
    // The value lives on in memory until the page is left.
  }
}

export function removeKey(storage, key) {
  try {
    storage.removeItem(key);
  } catch {
    // As above.
  }
}
