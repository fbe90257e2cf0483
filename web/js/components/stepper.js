// The three steps of an order. The steps that are shown follow the real status, but one at a time
// and not faster than the eye: a pipeline of milliseconds would otherwise flash past.

import { h, replaceContent } from "../dom.js";
import { orderStatus, statusNames } from "../order-tracker.js";
import { icon } from "./icons.js";

const stepPause = 200;   // ms; a whole order still shows well within a second

const texts = [
  "Your order is safe with us and waiting for its turn.",
  "We are preparing your subscriptions.",
  "Done. Your subscriptions are ready.",
];

// `advance(status)` of the result moves on, never back; its promise resolves when that is shown.
// `stop()` ends the movement.
export function stepper({ status }) {
  const marks = statusNames.map((name, index) => h("li", { class: "step" },
    h("span", { "class": "step-mark", "aria-hidden": "true" }, index === orderStatus.processing ? icon("gear") : icon("check")),
    h("span", { class: "step-name" }, name)));
  const word = h("strong", { "class": "stepper-status", "data-testid": "order-status" });
  const text = h("span", { class: "stepper-text" });
  const node = h("div", { class: "stepper" },
    h("ol", { "class": "steps", "aria-label": "Order progress" }, marks),
    h("p", { "class": "stepper-line", "role": "status", "aria-live": "polite" }, word, text));
  let shown = status;
  let wanted = status;
  let shownAt = performance.now();
  let timer = null;
  let arrivals = [];

  function draw() {
    node.dataset.status = statusNames[shown];
    word.dataset.status = statusNames[shown];
    replaceContent(word, statusNames[shown]);
    replaceContent(text, texts[shown]);
    for (const [index, mark] of marks.entries()) {
      const isDone = index < shown || shown === orderStatus.completed;
      mark.dataset.state = isDone ? "done" : index === shown ? "current" : "ahead";
      if (index === shown) mark.setAttribute("aria-current", "step");
      else mark.removeAttribute("aria-current");
    }
  }
  function move() {
    timer = null;
    if (shown >= wanted) {
      const waiting = arrivals;
      arrivals = [];
      for (const resolve of waiting) resolve();
      return;
    }
    shown += 1;
    shownAt = performance.now();
    draw();
    timer = setTimeout(move, stepPause);
  }
  function advance(next) {
    wanted = Math.max(wanted, next);
    return new Promise((resolve) => {
      arrivals.push(resolve);
      timer ??= setTimeout(move, Math.max(0, shownAt + stepPause - performance.now()));
    });
  }

  draw();
  return { node, advance, stop: () => clearTimeout(timer) };
}
