/** Unlocks as they happen, in a corner, read aloud politely. A flood is counted, not shown. */

import { byId, h } from "./dom.js";
import { scopeName } from "./format.js";

const SHOWN = 3;
const STAYS = 8_000;
/** Toasts are apart by this, so that one can be read before the next comes. */
const APART = 700;

let newest = -Infinity;
let left = 0;

/** Show one, or count it when too many come at once. */
export function toast({ key, scope, icon, text }) {
  const now = performance.now();
  if (now - newest < APART) {
    left += 1;
    return;
  }
  newest = now;
  const more = left ? `, and ${left} more` : "";
  left = 0;
  const box = byId("toasts");
  const close = h("button", { type: "button", "aria-label": `Dismiss: ${text}`, click: () => toastOver(card) }, "×");
  const card = h(
    "div",
    { class: "toast", "data-event": key },
    h("span", { class: "icon", "aria-hidden": "true" }, icon),
    h("p", {}, h("strong", {}, text), h("span", { class: "quiet" }, ` ${scopeName(scope)}${more}`)),
    close,
  );
  box.append(card);
  while (box.childElementCount > SHOWN) box.firstElementChild.remove();
  leaveLater(card);
}

function leaveLater(card) {
  setTimeout(() => (card.matches(":hover, :focus-within") ? leaveLater(card) : toastOver(card)), STAYS);
}

function toastOver(card) {
  card.remove();
}
