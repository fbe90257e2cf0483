// Builds DOM nodes from plain calls. There is no template language and no markup string: text is
// always a text node, so nothing that came from the network can become an element.

import { toAddress } from "./base.js";

const svgNamespace = "http://www.w3.org/2000/svg";

// Creates an HTML element.
// Attributes: `on` maps event names to listeners; `true` sets an empty attribute; `false`, `null`
// and `undefined` leave it out; an `href` or `src` that begins with a slash is a path of ours. Children may be nodes, strings, numbers, arrays, or absent.
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

// Creates an SVG element; the same rules as `h`.
export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(svgNamespace, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) {
        element.addEventListener(event, listener);
      }
    } else {
      element.setAttribute(name, value === true ? "" : addressed(name, String(value)));
    }
  }
  element.append(...flattened(children));
  return element;
}

function addressed(name, value) {
  return (name === "href" || name === "src") && value.startsWith("/") ? toAddress(value) : value;
}

// Children of `replaceChildren` and `append`, with the absent ones left out.
export function flattened(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}

export function replaceContent(element, ...children) {
  element.replaceChildren(...flattened(children));
}
