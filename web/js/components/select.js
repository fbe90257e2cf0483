// A native select with a label and our own arrow.

import { h, replaceContent } from "../dom.js";
import { icon } from "./icons.js";

// `options`: [value, text] pairs. The result's `show(options, value)` replaces them; nothing happens
// while they are the same, because that would close an open list.
export function labelledSelect({ label, testId, changed }) {
  const select = h("select", { "class": "select-input", "data-testid": testId, "on": { change: () => changed(select.value) } });
  const node = h("label", { class: "field select" },
    h("span", { class: "field-label" }, label),
    h("span", { class: "select-box" }, select, icon("chevron")));
  let shown = "";
  function show(options, value) {
    const key = JSON.stringify(options);
    if (key !== shown) {
      shown = key;
      replaceContent(select, options.map(([each, text]) => h("option", { value: each }, text)));
    }
    select.value = value;
  }
  return { node, show };
}
