// Page numbers with the neighbours; draws nothing when there is one page.

import { h } from "../dom.js";
import { pagerNumbers } from "../catalogue.js";
import { icon } from "./icons.js";

// `choose(page)` is called with the page wanted.
export function pager({ page, pageCount, label, choose }) {
  if (pageCount <= 1) return null;
  const step = (target, name, iconName) => h("button", {
    "type": "button", "class": "pager-button", "aria-label": name, "disabled": target < 1 || target > pageCount,
    "data-testid": name === "Next page" ? "next-page" : "previous-page", "on": { click: () => choose(target) },
  }, icon(iconName));
  const number = (target) => (target === null
    ? h("span", { "class": "pager-gap", "aria-hidden": "true" }, "…")
    : h("button", {
      "type": "button", "class": "pager-button", "aria-label": `Page ${target}`,
      "aria-current": target === page ? "page" : null, "on": { click: () => choose(target) },
    }, target));
  return h("nav", { "class": "pager", "aria-label": label },
    step(page - 1, "Previous page", "chevron-left"),
    pagerNumbers(page, pageCount).map(number),
    step(page + 1, "Next page", "chevron-right"));
}
