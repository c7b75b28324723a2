/** What the scope has earned, and how far it is on the way to the rest. */

import { byId, h, say, swap } from "./dom.js";
import { ago, dollars, number, plural, shortDay } from "./format.js";

/** Show them; `holders` says by id how many scopes hold an achievement (`{ holders, share }`). */
export function showAchievements({ unlocked, locked, progress }, holders) {
  const all = unlocked.length + locked.length;
  say("achievements-words", `${unlocked.length} of ${all}, ${progress}%`);
  const nearest = [...locked].sort((one, other) => share(other) - share(one));
  swap(byId("locked"), ...nearest.map((each) => badge(each, holders, toGo(each))));
  const newest = [...unlocked].sort((one, other) => (other.achievedAt ?? "").localeCompare(one.achievedAt ?? ""));
  swap(byId("unlocked"), ...newest.map((each) => badge(each, holders, since(each))));
  byId("locked").previousElementSibling.hidden = byId("locked").hidden = locked.length === 0;
  byId("unlocked").previousElementSibling.hidden = byId("unlocked").hidden = unlocked.length === 0;
}

const share = ({ value, threshold }) => Math.min(1, value / threshold);

function badge(each, holders, state) {
  return h(
    "li",
    { "data-id": each.id },
    h("span", { class: "icon", "aria-hidden": "true" }, each.icon),
    h(
      "div",
      {},
      h("p", {}, h("strong", {}, each.title), " ", h("span", { class: "quiet" }, each.description)),
      state,
      rarity(holders.get(each.id)),
    ),
  );
}

function toGo(each) {
  const unit = each.id.startsWith("cost-") ? dollars : number;
  const words = `${unit(each.value)} of ${unit(each.threshold)}`;
  const bar = h("progress", { value: share(each), max: 1, "aria-label": `${each.title}: ${words}` });
  return h("p", { class: "way" }, bar, h("span", {}, words));
}

function since({ achievedAt }) {
  if (!achievedAt) return null;
  return h("p", { class: "since" }, h("time", { datetime: achievedAt, title: ago(achievedAt) }, shortDay(achievedAt)));
}

function rarity(held) {
  if (!held) return null;
  const percent = held.share > 0 && held.share < 0.01 ? "less than 1%" : `${Math.round(100 * held.share)}%`;
  const words = held.holders ? `held by ${plural(held.holders, "scope")}, ${percent}` : "nobody has it yet";
  return h("p", { class: "held quiet" }, words);
}
