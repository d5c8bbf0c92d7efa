/** Light or dark: as the system has it until someone chooses here. The choice is the only thing kept for good. */

const KEY = "sarsen.theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function chosen() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage is blocked: the system's choice holds
  }
}

export const isDark = () => (document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";

/** Apply the kept choice and call `changed(isDark)` now and at every change. Returns the switch. */
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
      // Not kept then, but switched.
    }
    document.documentElement.dataset.theme = next;
    changed(isDark());
  };
}
