/** The stats that are not beside the buddy. */

import { byId, h, swap } from "./dom.js";
import { number } from "./format.js";

const CALLER = [
  ["totalRequests", "requests"],
  ["daysActive", "active days"],
  ["uniqueModels", "models"],
  ["cacheHits", "cache hits"],
  ["semanticHits", "of them semantic"],
  ["raceWins", "races"],
  ["factsStored", "facts"],
];
const GATEWAY = [...CALLER, ["uniqueCallers", "callers"], ["subscriptionsConfigured", "subscriptions"]];

/** Show them; callers and subscriptions are the gateway's only. */
export function showStats(stats, scope) {
  const names = scope === "gateway" ? GATEWAY : CALLER;
  const cell = ([name, words]) => h("div", {}, h("dt", {}, words), h("dd", {}, number(stats[name])));
  swap(byId("stats"), ...names.map(cell));
}
