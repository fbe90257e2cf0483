// The title of the window: the page's own, then the shop's.

const brand = "Contoso Certify";

// Also for pages that learn their title after they are shown.
export function setTitle(title) {
  document.title = `${title} · ${brand}`;
}
