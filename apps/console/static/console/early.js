// Runs before the page is drawn, so that a chosen theme does not flash past in the other one. See theme.js.
try {
  const choice = localStorage.getItem("sarsen.theme");
  if (choice) document.documentElement.dataset.theme = choice;
} catch {
  // Storage is blocked: the system's choice holds.
}
