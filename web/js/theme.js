// The colour theme: the system's until the user chooses, then the user's, in all tabs. The first
// paint is theme-boot.js's.

const key = "contoso.theme.v1";

export function currentTheme() {
  return document.documentElement.dataset.theme;
}

export function toggleTheme() {
  const theme = currentTheme() === "dark" ? "light" : "dark";
  show(theme);
  try {
    localStorage.setItem(key, theme);
  } catch {
    // The choice then lasts as long as the page.
  }
}

// `changed()` is called after a change that did not come from this tab's toggle.
export function followTheme(changed) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    const chosen = storedTheme();
    show(chosen ?? (system.matches ? "dark" : "light"));
    changed();
  };
  system.addEventListener("change", follow);
  addEventListener("storage", (event) => {
    if (event.key === key) follow();
  });
  show(currentTheme());
}

function storedTheme() {
  try {
    const chosen = localStorage.getItem(key);
    return chosen === "dark" || chosen === "light" ? chosen : null;
  } catch {
    return null;
  }
}

// The colour of a phone's browser frame follows the page's ground.
function show(theme) {
  document.documentElement.dataset.theme = theme;
  const ground = getComputedStyle(document.documentElement).getPropertyValue("--ground").trim();
  document.querySelector("meta[name=theme-color]").content = ground;
}
