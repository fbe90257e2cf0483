// Sets the colour theme before the first paint, so that no page ever flashes in the wrong one.
// A classic script on purpose: modules run after the document has been painted.

(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("contoso.theme.v1");
  } catch {
    // Storage may be forbidden; the system's preference then decides.
  }
  const prefersDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const isKnown = chosen === "dark" || chosen === "light";
  document.documentElement.dataset.theme = isKnown ? chosen : prefersDark ? "dark" : "light";
})();
