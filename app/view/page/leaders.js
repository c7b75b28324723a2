/** Who has saved the most. */

import { byId, h, swap } from "./dom.js";
import { short } from "./format.js";
import { linkTo } from "./scope.js";

/** Show the entries, the first ones first; `scope` is the one that is shown on the page. */
export function showLeaders(entries, scope) {
  const list = byId("leaders");
  if (!entries.length) return swap(list, h("li", { class: "quiet" }, "No callers yet."));
  const most = Math.max(1, ...entries.map((each) => each.tokensSaved));
  return swap(list, ...entries.map((each) => line(each, scope, most)));
}

function line({ scope, caller, level, tokensSaved }, current, most) {
  const row = h(
    "li",
    {},
    linkTo(scope, caller, scope === current ? { "aria-current": "true" } : {}),
    h("span", { class: "quiet" }, `level ${level}`),
    h("span", { class: "count" }, short(tokensSaved)),
  );
  row.style.setProperty("--share", tokensSaved / most);
  return row;
}
