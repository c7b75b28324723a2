/** Light or dark: as the system has it, until the button says otherwise; that is remembered. */

import { byId } from "./dom.js";

const KEY = "streakline-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

/** Wire the button. */
export function startTheme() {
  apply();
  system.addEventListener("change", apply);
  byId("theme").addEventListener("click", () => {
    const other = isDark() ? "light" : "dark";
    // What the system has anyway need not be remembered: then the page goes on following it.
    if ((other === "dark") === system.matches) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, other);
    apply();
  });
}

const isDark = () => (localStorage.getItem(KEY) ?? (system.matches ? "dark" : "light")) === "dark";

function apply() {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  byId("theme").setAttribute("aria-pressed", String(isDark()));
}
