// Before anything is drawn: the look that was chosen here, if one was. A script of its own, run at once, so that a dark
// page never begins white.

try {
  const look = localStorage.getItem("likeness.look");
  if (look === "light" || look === "dark") document.documentElement.dataset.theme = look;
} catch {
  // storage may be switched off: then the system's wish holds
}
