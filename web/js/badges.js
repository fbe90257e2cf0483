// Draws the badge of a product from its vendor and id. The same product always gets the same badge;
// each vendor has its own shape and colours, each id its own pattern inside. No image is loaded.
//
//   plate (vendor's shape, gradient) → pattern (from the id's hash, clipped) → rim → band with the
//   id → vendor's name
//
// Coordinates are those of a 200 × 200 view box. Colours are presentation attributes, which a strict
// content security policy allows.

import { s } from "./dom.js";
import { slug } from "./format.js";

// hues: the gradient's two ends in degrees; drift: how far an id may move them.
const vendors = {
  "microsoft": { hues: [207, 222], drift: 14, plate: () => roundedSquare(40), mark: "Microsoft" },
  "cisco": { hues: [192, 206], drift: 10, plate: () => polygonPath(8, 90, 22.5), mark: "Cisco" },
  "comptia": { hues: [356, 340], drift: 8, plate: () => polygonPath(6, 92, 30), mark: "CompTIA" },
  "aws": { hues: [34, 18], drift: 10, plate: () => polygonPath(6, 92, 0), mark: "AWS" },
  "google": { hues: [142, 200], drift: 26, plate: () => circlePath(86), mark: "Google Cloud" },
  "itil": { hues: [268, 286], drift: 14, plate: () => scallopPath(12, 84, 6), mark: "ITIL" },
  "pearson": { hues: [178, 190], drift: 8, plate: () => scallopPath(20, 86, 4), mark: "Pearson" },
  "databricks": { hues: [12, 2], drift: 6, plate: () => diamondPath(), mark: "Databricks" },
  "isc2": { hues: [150, 164], drift: 8, plate: () => shieldPath(), mark: "ISC2" },
  "terraform": { hues: [250, 262], drift: 8, plate: () => cubePath(), mark: "Terraform" },
};
const unknownVendor = { hues: [220, 230], drift: 40, plate: () => circlePath(86), mark: "" };

let gradientCount = 0;

// An SVG element; it fills the box its CSS class gives it. Hidden from assistive technology, because
// the product's name always stands next to it.
export function badge({ vendor, id }) {
  const look = vendors[slug(vendor ?? "")] ?? unknownVendor;
  const random = generator(hashOf(`${vendor}/${id}`));
  const drift = (random() * 2 - 1) * look.drift;
  const [from, to] = look.hues.map((hue) => hue + drift);
  const name = `badge-${++gradientCount}`;
  const outline = look.plate();
  return s("svg", { "class": "badge", "viewBox": "0 0 200 200", "aria-hidden": "true", "focusable": "false" },
    s("defs", {},
      s("linearGradient", { id: `${name}-plate`, x1: 0, y1: 0, x2: 1, y2: 1 },
        s("stop", { "offset": 0, "stop-color": hsl(from, 82, 56) }),
        s("stop", { "offset": 1, "stop-color": hsl(to, 78, 34) })),
      s("linearGradient", { id: `${name}-shine`, x1: 0, y1: 0, x2: 0, y2: 1 },
        s("stop", { "offset": 0, "stop-color": "#fff", "stop-opacity": 0.34 }),
        s("stop", { "offset": 0.55, "stop-color": "#fff", "stop-opacity": 0 })),
      s("clipPath", { id: `${name}-clip` }, s("path", { d: outline }))),
    s("path", { d: outline, fill: `url(#${name}-plate)` }),
    s("g", { "clip-path": `url(#${name}-clip)` },
      patterns[Math.floor(random() * patterns.length)](random, hsl(from, 96, 88)),
      s("path", { d: outline, fill: `url(#${name}-shine)` }),
      band(id, hsl(to, 70, 20))),
    s("path", { "d": outline, "fill": "none", "stroke": "#fff", "stroke-opacity": 0.5, "stroke-width": 1.5, "transform": scaled(0.93) }),
    s("path", { "d": outline, "fill": "none", "stroke": hsl(to, 80, 22), "stroke-opacity": 0.28, "stroke-width": 2, "transform": scaled(0.99) }),
    label(look.mark || vendor || ""));
}

// The dark band across the middle with the id. The text may be 148 units wide, which the narrowest
// plate holds; a bold capital is about 0.72 of its font size wide in the widest system face.
function band(id, colour) {
  const size = Math.min(36, 148 / (0.72 * Math.max(1, String(id).length)));
  return s("g", {},
    s("rect", { "x": 0, "y": 78, "width": 200, "height": 50, "fill": colour, "fill-opacity": 0.82 }),
    s("rect", { "x": 0, "y": 78, "width": 200, "height": 1.5, "fill": "#fff", "fill-opacity": 0.55 }),
    s("rect", { "x": 0, "y": 126.5, "width": 200, "height": 1.5, "fill": "#fff", "fill-opacity": 0.55 }),
    s("text", {
      "x": 100, "y": 103 + size * 0.355, "font-size": size.toFixed(1), "fill": "#fff", "class": "badge-id", "text-anchor": "middle",
    }, id));
}

function label(text) {
  return s("text", {
    "x": 100, "y": 152, "font-size": text.length > 9 ? 12.5 : 14, "fill": "#fff", "fill-opacity": 0.95, "class": "badge-vendor",
    "text-anchor": "middle",
  }, text);
}

// Each pattern takes random numbers and a light colour, and leaves the outline to the clip.
const patterns = [
  function rings(random, colour) {
    const x = 30 + random() * 140;
    const y = 10 + random() * 60;
    const step = 13 + random() * 9;
    return group(range(9, (index) => s("circle", {
      "cx": x, "cy": y, "r": step * (index + 1), "fill": "none", "stroke": colour, "stroke-opacity": 0.34 - index * 0.028, "stroke-width": 3,
    })));
  },
  function rays(random, colour) {
    const count = 14 + Math.floor(random() * 12);
    const turn = random() * 360;
    return group(range(count, (index) => s("path", {
      "d": `M100 100L${point(150, turn + index * 360 / count)}L${point(150, turn + (index + 0.45) * 360 / count)}Z`,
      "fill": colour, "fill-opacity": 0.17,
    })));
  },
  function dots(random, colour) {
    const shift = random() * 16;
    return group(range(169, (index) => {
      const row = Math.floor(index / 13);
      const x = (index % 13) * 17 + (row % 2) * 8.5 - shift;
      return s("circle", { "cx": x, "cy": row * 16, "r": 1.4 + 3.4 * random() * (1 - row / 14), "fill": colour, "fill-opacity": 0.4 });
    }));
  },
  function waves(random, colour) {
    const height = 6 + random() * 12;
    return group(range(9, (index) => {
      const y = 6 + index * 22;
      return s("path", {
        "d": `M-20 ${y}q30 ${-height} 60 0t60 0t60 0t60 0`, "fill": "none", "stroke": colour, "stroke-opacity": 0.32, "stroke-width": 2 + random() * 6,
      });
    }));
  },
  function tiles(random, colour) {
    return group(range(64, (index) => s("rect", {
      "x": (index % 8) * 25 + 1.5, "y": Math.floor(index / 8) * 25 + 1.5, "width": 22, "height": 22, "rx": 4, "fill": colour,
      "fill-opacity": (random() ** 2 * 0.36).toFixed(3),
    })));
  },
  function mesh(random, colour) {
    const nodes = range(14, () => [random() * 200, random() * 200]);
    const lines = nodes.flatMap(([x, y], index) => nodes.slice(index + 1)
      .filter(([u, v]) => Math.hypot(x - u, y - v) < 72)
      .map(([u, v]) => s("path", { "d": `M${x} ${y}L${u} ${v}`, "stroke": colour, "stroke-opacity": 0.42, "stroke-width": 1.6 })));
    return group([...lines, ...nodes.map(([cx, cy]) => s("circle", { cx, cy, "r": 2.5 + random() * 3.5, "fill": colour, "fill-opacity": 0.7 }))]);
  },
  function facets(random, colour) {
    return group(range(12, () => s("path", {
      "d": `M${random() * 200} ${random() * 200}L${random() * 200} ${random() * 200}L${random() * 200} ${random() * 200}Z`,
      "fill": colour, "fill-opacity": 0.1 + random() * 0.06,
    })));
  },
];

function group(children) {
  return s("g", {}, children);
}

function range(count, make) {
  return Array.from({ length: count }, (_, index) => make(index));
}

function hsl(hue, saturation, lightness) {
  return `hsl(${((hue % 360) + 360) % 360} ${saturation}% ${lightness}%)`;
}

function scaled(factor) {
  const shift = 100 * (1 - factor);
  return `translate(${shift} ${shift}) scale(${factor})`;
}

function point(radius, degrees) {
  const angle = (degrees * Math.PI) / 180;
  return `${(100 + radius * Math.cos(angle)).toFixed(2)} ${(100 + radius * Math.sin(angle)).toFixed(2)}`;
}

function roundedSquare(corner) {
  const far = 182 - corner;
  const near = 18 + corner;
  return `M${near} 18H${far}Q182 18 182 ${near}V${far}Q182 182 ${far} 182H${near}Q18 182 18 ${far}V${near}Q18 18 ${near} 18Z`;
}

function circlePath(radius) {
  return `M${100 - radius} 100a${radius} ${radius} 0 1 0 ${radius * 2} 0a${radius} ${radius} 0 1 0 ${-radius * 2} 0Z`;
}

// A polygon with rounded corners: each corner is cut at 16 % of its sides and bridged by a curve.
function polygonPath(sides, radius, turn) {
  const corners = range(sides, (index) => point(radius, turn + (index * 360) / sides).split(" ").map(Number));
  return roundedPath(corners, 0.16);
}

function roundedPath(corners, share) {
  const between = ([ax, ay], [bx, by]) => `${(ax + (bx - ax) * share).toFixed(2)} ${(ay + (by - ay) * share).toFixed(2)}`;
  const pieces = corners.map((corner, index) => {
    const before = corners.at(index - 1);
    const after = corners[(index + 1) % corners.length];
    return `${index === 0 ? "M" : "L"}${between(corner, before)}Q${corner.join(" ")} ${between(corner, after)}`;
  });
  return `${pieces.join("")}Z`;
}

function scallopPath(lobes, radius, depth) {
  const steps = lobes * 8;
  const points = range(steps, (index) =>
    point(radius + depth * Math.cos((index / 8) * 2 * Math.PI), (index * 360) / steps));
  return `M${points.join("L")}Z`;
}

function diamondPath() {
  return roundedPath([[100, 4], [190, 60], [190, 140], [100, 196], [10, 140], [10, 60]], 0.2);
}

function cubePath() {
  return roundedPath([[58, 12], [184, 30], [192, 132], [142, 188], [16, 170], [8, 68]], 0.14);
}

function shieldPath() {
  return "M100 8C126 24 152 30 180 30Q184 30 184 34V98C184 146 148 178 100 194C52 178 16 146 16 98V34Q16 30 20 30C48 30 74 24 100 8Z";
}

// FNV-1a, 32 bits.
export function hashOf(text) {
  let hash = 0x811c9dc5;
  for (const character of text) {
    hash = Math.imul(hash ^ character.codePointAt(0), 0x01000193);
  }
  return hash >>> 0;
}

// Random numbers in 0..<1 from a seed (mulberry32): the same seed gives the same badge everywhere.
export function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
