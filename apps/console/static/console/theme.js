/** Light or dark: the system's setting until the user chooses. The choice is all that the console stores permanently. */

const KEY = "console.theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function chosen() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage is blocked
  }
}

export const isDark = () => (document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";

/** Apply the stored choice. Calls `changed(isDark)` now and at each change. Returns a function that switches. */
export function theme(changed) {
  const apply = () => {
    const choice = chosen();
    if (choice) document.documentElement.dataset.theme = choice;
    else delete document.documentElement.dataset.theme;
    changed(isDark());
  };
  system.addEventListener("change", apply);
  apply();
  return () => {
    const next = isDark() ? "light" : "dark";
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // Storage is blocked: the choice lasts until the page is left.
    }
    document.documentElement.dataset.theme = next;
    changed(isDark());
  };
}
