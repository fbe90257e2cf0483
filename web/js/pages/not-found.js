// The page for addresses the shop does not have.

import { h } from "../dom.js";
import { emptyState, linkButton } from "../components/states.js";

export function notFoundPage() {
  const node = h("div", { class: "stack" },
    h("h1", { class: "visually-hidden" }, "Page not found"),
    emptyState({ iconName: "search", title: "This page does not exist", text: "The address may be mistyped, or the page has moved.", action: linkButton("/products", "Go to the catalogue") }));
  return { title: "Page not found", node };
}
