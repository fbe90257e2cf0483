// Addresses and pages. Links are ordinary links: a click on one of our own is turned into a history
// entry, everything else (other tabs, modifiers, other hosts) is left to the browser.

import { toAddress, toPath } from "./base.js";

const routes = [
  ["/login", "signIn"],
  ["/products", "products"],
  ["/products/:id", "product"],
  ["/cart", "cart"],
  ["/checkout", "checkout"],
  ["/orders", "orders"],
  ["/orders/:id", "order"],
];

// { name, params }; an unknown path gives "notFound", "/" gives the catalogue.
export function matchRoute(path) {
  const parts = path.replace(/\/+$/, "").split("/");
  if (parts.length === 1) return { name: "products", params: {} };
  for (const [pattern, name] of routes) {
    const params = matchPattern(pattern.split("/"), parts);
    if (params !== null) return { name, params };
  }
  return { name: "notFound", params: {} };
}

function matchPattern(pattern, parts) {
  if (pattern.length !== parts.length) return null;
  const params = {};
  for (const [index, segment] of pattern.entries()) {
    if (segment.startsWith(":")) {
      const value = decoded(parts[index]);
      if (value === null || value === "") return null;
      params[segment.slice(1)] = value;
    } else if (segment !== parts[index]) {
      return null;
    }
  }
  return params;
}

// `null` for broken percent escapes.
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

export class Router {
  #show;
  #position = 0;
  #scrolls = new Map();

  // `show({ path, isInitial, scrollTop })` draws the page for the current address. `scrollTop` is
  // where the reader was on an entry that is returned to, else 0.
  constructor({ show }) {
    this.#show = show;
  }

  start() {
    history.scrollRestoration = "manual";
    this.#position = history.state?.position ?? 0;
    history.replaceState({ position: this.#position }, "");
    addEventListener("popstate", (event) => {
      this.#rememberScroll();
      this.#position = event.state?.position ?? 0;
      this.#present({ scrollTop: this.#scrolls.get(this.#position) ?? 0 });
    });
    document.addEventListener("click", (event) => this.#clicked(event));
    this.#present({ isInitial: true });
  }

  // Path and query of the page that is shown.
  get current() {
    return (toPath(location.pathname) ?? "/") + location.search;
  }

  go(path) {
    if (path === this.current) return this.replace(path);
    this.#rememberScroll();
    this.#position += 1;
    history.pushState({ position: this.#position }, "", toAddress(path));
    return this.#present({});
  }

  replace(path) {
    this.rewrite(path);
    this.#present({});
  }

  // Changes the address without drawing: for a page that keeps its own state in the query.
  rewrite(path) {
    history.replaceState({ position: this.#position }, "", toAddress(path));
  }

  #present({ isInitial = false, scrollTop = 0 }) {
    this.#show({ path: toPath(location.pathname) ?? "/", isInitial, scrollTop });
  }

  #rememberScroll() {
    this.#scrolls.set(this.#position, scrollY);
  }

  #clicked(event) {
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    const link = event.target.closest?.("a[href]");
    if (!isPlain || event.defaultPrevented || !link || link.target || link.hasAttribute("download")) return;
    if (link.origin !== location.origin || link.hash !== "") return;
    const path = toPath(link.pathname);
    if (path === null) return;
    event.preventDefault();
    this.go(path + link.search);
  }
}
