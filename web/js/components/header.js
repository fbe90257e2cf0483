// The page's head: brand, navigation, live connection, theme, account. It is drawn once per sign-in
// and then only told what changed.

import { toPath } from "../base.js";
import { totals } from "../cart.js";
import { h, replaceContent } from "../dom.js";
import { plural } from "../format.js";
import { currentTheme, toggleTheme } from "../theme.js";
import { icon } from "./icons.js";

const connectionTexts = {
  connected: ["Connected", "Live updates are on."],
  connecting: ["Connecting", "Connecting to live updates."],
  disconnected: ["Disconnected", "No live updates right now. Select to try again at once."],
};

export class Header {
  #element;
  #pill = h("button", { "type": "button", "class": "pill", "data-testid": "connection-pill" });
  #theme = h("button", { "type": "button", "class": "icon-button", "data-testid": "theme-toggle" });
  #cartCount = h("span", { "class": "cart-count", "data-testid": "cart-count" });
  #cartLink = h("a", { "href": "/cart", "class": "nav-link nav-link-cart", "data-testid": "cart-link" },
    h("span", { class: "nav-icon" }, icon("bag"), this.#cartCount), h("span", { class: "nav-text" }, "Cart"));
  #links = [
    h("a", { href: "/products", class: "nav-link" }, h("span", { class: "nav-icon" }, icon("grid")), h("span", { class: "nav-text" }, "Catalogue")),
    h("a", { "href": "/orders", "class": "nav-link", "data-testid": "orders-link" },
      h("span", { class: "nav-icon" }, icon("receipt")), h("span", { class: "nav-text" }, "Orders")),
    this.#cartLink,
  ];

  constructor(element, { reconnect }) {
    this.#element = element;
    this.#theme.addEventListener("click", () => {
      toggleTheme();
      this.showTheme();
    });
    this.#pill.addEventListener("click", reconnect);
    this.showTheme();
    this.showConnection("disconnected");
  }

  // `userId` is `null` when nobody is signed in.
  showUser(userId, signOut) {
    const brand = h("a", { href: "/products", class: "brand" }, brandMark(), h("span", {}, "Contoso ", h("b", {}, "Certify")));
    const account = userId !== null && h("div", { class: "account" },
      h("span", { class: "account-id", title: "Signed in as" }, h("span", { class: "visually-hidden" }, "Signed in as "), userId),
      h("button", { "type": "button", "class": "icon-button", "data-testid": "sign-out", "aria-label": "Sign out", "title": "Sign out", "on": { click: signOut } }, icon("sign-out")));
    replaceContent(this.#element, h("div", { class: "site-header-row" }, brand,
      userId !== null && h("nav", { "class": "site-nav", "aria-label": "Main" }, this.#links),
      h("div", { class: "site-tools" }, userId !== null && this.#pill, this.#theme, account)));
    this.#element.dataset.signedIn = String(userId !== null);
  }

  showPath(path) {
    for (const link of this.#links) {
      const target = toPath(link.pathname);
      const isHere = path === target || path.startsWith(`${target}/`);
      if (isHere) link.setAttribute("aria-current", path === target ? "page" : "true");
      else link.removeAttribute("aria-current");
    }
  }

  showConnection(state) {
    const [text, title] = connectionTexts[state];
    this.#pill.dataset.state = state;
    this.#pill.title = title;
    this.#pill.setAttribute("aria-disabled", String(state !== "disconnected"));
    replaceContent(this.#pill, h("span", { "class": "pill-dot", "aria-hidden": "true" }), h("span", { class: "pill-text" }, text));
  }

  showCart(lines) {
    const { count } = totals(lines);
    this.#cartCount.textContent = count;
    this.#cartCount.dataset.count = count;
    this.#cartLink.setAttribute("aria-label", `Cart, ${plural(count, "item")}`);
  }

  showTheme() {
    const isDark = currentTheme() === "dark";
    const name = isDark ? "Use the light theme" : "Use the dark theme";
    this.#theme.setAttribute("aria-label", name);
    this.#theme.title = name;
    replaceContent(this.#theme, icon(isDark ? "sun" : "moon"));
  }
}

function brandMark() {
  return h("img", { class: "brand-mark", src: "/favicon.svg", alt: "", width: 32, height: 32 });
}
