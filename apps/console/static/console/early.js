// Runs before the page is drawn, so that it does not flash in the other colors. See theme.js.
try {
  const choice = localStorage.getItem("console.theme");
  if (choice) document.documentElement.dataset.theme = choice;
} catch {
  // Storage is blocked: the system's setting applies.
}
