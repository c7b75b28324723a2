/** The newest requests of the scope. */

import { byId, h, swap } from "./dom.js";
import { ago } from "./format.js";
import { linkTo } from "./scope.js";

/** Show the entries, newest first. */
export function showRequests(events) {
  const list = byId("requests");
  if (events.length) swap(list, ...events.map(line));
  else swap(list, h("li", { class: "quiet" }, "No requests yet."));
}

function line({ ts, type, caller, detail, icon }, place) {
  const who = caller ? linkTo(`caller:${caller}`, caller, { "data-key": `${caller}/${ts}/${place}` }) : "–";
  return h(
    "li",
    { "data-type": type },
    h("span", { class: "icon", role: "img", "aria-label": type }, icon),
    h("span", { class: "what" }, who, " ", h("span", { class: "quiet" }, detail)),
    h("time", { datetime: ts, class: "quiet" }, ago(ts)),
  );
}
