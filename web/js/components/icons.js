// Line icons on a 24 × 24 grid, in the colour of the text around them. Decorative: the control they
// are in carries the name.

import { s } from "../dom.js";

const paths = {
  "arrow-left": ["M19 12H5", "m11 18-6-6 6-6"],
  "bag": ["M6 8h12l1 12H5L6 8Z", "M9 8V7a3 3 0 0 1 6 0v1"],
  "check": ["m5 12.5 4.5 4.5L19 7.5"],
  "chevron": ["m7 10 5 5 5-5"],
  "chevron-left": ["m14 7-5 5 5 5"],
  "chevron-right": ["m10 7 5 5-5 5"],
  "close": ["m7 7 10 10", "M17 7 7 17"],
  "cloud-off": ["M4 4l16 16", "M9.5 6.6A6 6 0 0 1 17.6 11H18a4 4 0 0 1 2.6 7", "M6.5 9.5A4.8 4.8 0 0 0 7 19h9"],
  "gear": ["M12 15.2a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4Z", "M12 3v2.5M12 18.5V21M3 12h2.5M18.5 12H21M5.6 5.6l1.8 1.8M16.6 16.6l1.8 1.8M18.4 5.6l-1.8 1.8M7.4 16.6l-1.8 1.8"],
  "grid": ["M4 4h6.5v6.5H4zM13.5 4H20v6.5h-6.5zM4 13.5h6.5V20H4zM13.5 13.5H20V20h-6.5z"],
  "info": ["M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z", "M12 11v5", "M12 8v.01"],
  "minus": ["M6 12h12"],
  "moon": ["M20 14.2A8.2 8.2 0 0 1 9.8 4 8.2 8.2 0 1 0 20 14.2Z"],
  "plus": ["M12 6v12", "M6 12h12"],
  "receipt": ["M6 3.5h12V21l-3-2-3 2-3-2-3 2V3.5Z", "M9.5 8.5h5", "M9.5 12.5h5"],
  "search": ["M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14Z", "m20 20-4-4"],
  "sign-out": ["M14 4h4a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2h-4", "M10 16l-4-4 4-4", "M6 12h9"],
  "sun": ["M12 16.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9Z", "M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4"],
  "trash": ["M5 7h14", "M9 7V4.5h6V7", "m7 7 .8 12.5h8.4L17 7", "M10.5 11v5M13.5 11v5"],
  "warning": ["M12 4 2.8 19.5h18.4L12 4Z", "M12 10v4.5", "M12 17v.01"],
};

export function icon(name) {
  return s("svg", { "class": "icon", "viewBox": "0 0 24 24", "aria-hidden": "true", "focusable": "false" },
    paths[name].map((d) => s("path", { d })));
}
