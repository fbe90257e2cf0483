// Where the shop lies on its host: at "/", or below a base path such as "/shop". The server puts that
// into index.html; modules know it from their own address.
//
//   path      /orders/7          what the shop's code names: links, pages, calls
//   address   /shop/orders/7     what the browser and the server see

// "" or "/shop". A module without a host (a test's) is at the root.
export function baseOf(moduleUrl) {
  const { protocol, pathname } = new URL("..", moduleUrl);
  return protocol === "file:" ? "" : pathname.slice(0, -1);
}

export const basePath = baseOf(import.meta.url);

export function toAddress(path, base = basePath) {
  return base + path;
}

// `null` if the address is not the shop's.
export function toPath(address, base = basePath) {
  if (address === base) return "/";
  return address.startsWith(`${base}/`) ? address.slice(base.length) : null;
}
