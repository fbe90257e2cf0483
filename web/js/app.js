// Starts the shop: makes the parts, connects them, and draws the page for each address.
//
//   session ─▶ hub, cart, tracker (who?)      router ─▶ page ─▶ <main>
//   hub ─▶ tracker ─▶ toasts, pages           cart ─▶ header
//
// A page is a function of `app` and its address' parameters that gives { title, node, leave }: the
// node is complete enough to be shown at once, `leave()` ends what the page started.

import { API } from "./api.js";
import { Cart } from "./cart.js";
import { Catalogue } from "./catalogue.js";
import { Header } from "./components/header.js";
import { Toasts } from "./components/toasts.js";
import { hubAddress, loadConfig } from "./config.js";
import { replaceContent } from "./dom.js";
import { HubConnection } from "./hub.js";
import { OrderTracker } from "./order-tracker.js";
import { cartPage } from "./pages/cart.js";
import { checkoutPage } from "./pages/checkout.js";
import { notFoundPage } from "./pages/not-found.js";
import { orderPage } from "./pages/order.js";
import { ordersPage } from "./pages/orders.js";
import { productPage } from "./pages/product.js";
import { productsPage } from "./pages/products.js";
import { signInPage } from "./pages/sign-in.js";
import { Router, matchRoute } from "./router.js";
import { Session } from "./session.js";
import { followTheme } from "./theme.js";
import { setTitle } from "./title.js";

const pages = {
  signIn: signInPage, products: productsPage, product: productPage, cart: cartPage,
  checkout: checkoutPage, orders: ordersPage, order: orderPage, notFound: notFoundPage,
};

// How many failed attempts in a row make us ask the API whether the token is still good: a refused
// WebSocket does not say why it was refused.
const failuresPerTokenCheck = 4;

async function start() {
  const config = await loadConfig();
  const session = new Session();
  const api = new API({ base: config.apiBase, session });
  const hub = new HubConnection({
    address: () => (session.isActive ? hubAddress(config.hubBase, location.origin, session.token) : null),
  });
  const app = {
    config, session, api, hub,
    cart: new Cart(),
    catalogue: new Catalogue(api),
    tracker: new OrderTracker({ hub }),
    toasts: new Toasts(document.getElementById("toasts")),
    announce: (text) => { document.getElementById("announcer").textContent = text; },
    // Why the sign-in page is shown, and where to go afterwards.
    signInReason: null,
    returnPath: null,
  };
  app.header = new Header(document.getElementById("site-header"), { reconnect: () => hub.start() });
  app.router = new Router({ show: (visit) => present(app, visit) });
  connectParts(app);
  enterSession(app);
  app.router.start();
}

function connectParts(app) {
  const { session, hub, cart, tracker, toasts, header } = app;
  followTheme(() => header.showTheme());
  session.changes.subscribe(({ reason }) => sessionChanged(app, reason));
  hub.stateChanges.subscribe((state) => header.showConnection(state));
  hub.failures.subscribe((count) => {
    // The answer does not matter: a 401 ends the session, and any other outcome is the hub's to mend.
    if (count % failuresPerTokenCheck === 0) app.api.orders({ offset: 0, size: 1 }).catch(() => {});
  });
  cart.changes.subscribe((lines) => header.showCart(lines));
  tracker.completions.subscribe(({ orderId }) => {
    const action = orderId === null ? null : { label: "View", href: `/orders/${orderId}` };
    toasts.show("success", orderId === null ? "Order completed" : `Order #${orderId} completed`, action);
  });
  addEventListener("storage", (event) => {
    session.storageChanged(event);
    cart.storageChanged(event);
    tracker.storageChanged(event);
  });
  addEventListener("online", () => hub.hint());
  addEventListener("offline", () => hub.hint());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) hub.hint();
  });
}

// Points everything that belongs to one user at the current one.
function enterSession(app) {
  const { session, hub, cart, tracker, header } = app;
  hub.stop();
  cart.use(session.userId);
  tracker.use(session.userId);
  header.showUser(session.userId, () => session.end("signed-out"));
  header.showCart(cart.lines);
  hub.start();
}

function sessionChanged(app, reason) {
  const { session, router } = app;
  enterSession(app);
  if (reason === "began") return;   // the sign-in page goes on by itself
  if (session.isActive) return router.replace(router.current);
  app.signInReason = reason;
  if (reason !== "signed-out") app.returnPath = router.current;
  return router.replace("/login");
}

let leaveCurrent = () => {};

function present(app, { path, isInitial = false, scrollTop = 0 }) {
  const { name, params } = matchRoute(path);
  if (name !== "signIn" && !app.session.isActive) {
    if (path !== "/") app.returnPath ??= app.router.current;
    return app.router.replace("/login");
  }
  if (name === "signIn" && app.session.isActive) return app.router.replace("/products");
  leaveCurrent();
  const page = pages[name](app, params);
  leaveCurrent = page.leave ?? (() => {});
  const main = document.getElementById("main");
  main.dataset.page = name;
  replaceContent(main, page.node);
  if (name === "cart" || name === "checkout") app.toasts.dismissLeadingTo("/cart");
  app.header.showPath(path);
  setTitle(page.title);
  scrollTo(0, scrollTop);
  if (!isInitial) focusHeading(main);
  return undefined;
}

// Keyboard and screen reader continue at the top of the new page.
function focusHeading(main) {
  if (main.contains(document.activeElement) && document.activeElement !== main) return;
  const heading = main.querySelector("h1") ?? main;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

start();
