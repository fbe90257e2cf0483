// What a page shows when there is nothing to show: it failed, it is empty, it is not there yet.

import { h } from "../dom.js";
import { icon } from "./icons.js";

export function errorState({ text, retry }) {
  return h("div", { class: "state", role: "alert" },
    h("span", { class: "state-icon state-icon-error" }, icon("cloud-off")),
    h("h2", { class: "state-title" }, "That did not work"),
    h("p", { class: "state-text" }, text),
    h("button", { "type": "button", "class": "button button-primary", "data-testid": "retry", "on": { click: retry } }, "Try again"));
}

export function emptyState({ iconName, title, text, action }) {
  return h("div", { "class": "state", "data-testid": "empty-state" },
    h("span", { class: "state-icon" }, icon(iconName)),
    h("h2", { class: "state-title" }, title),
    h("p", { class: "state-text" }, text),
    action);
}

export function linkButton(href, label, kind = "button-primary") {
  return h("a", { href, class: `button ${kind}` }, label);
}

// Grey blocks in the shape of what is coming; `kind` names the shape in the style sheet.
export function skeletons(kind, count) {
  return Array.from({ length: count }, () =>
    h("div", { "class": `skeleton ${kind}`, "aria-hidden": "true" }, h("span"), h("span"), h("span"), h("span")));
}
