/** What was just earned, newest first: what the stream brings, and before that what the scope earned last. */

import { byId, h, swap } from "./dom.js";
import { ago, number, scopeName } from "./format.js";
import { current, linkTo } from "./scope.js";

const SHOWN = 12;
/** Messages that come together are shown together: a flood costs one layout, not hundreds. */
const GATHER = 50;

const WORDS = {
  "achievement-unlocked": ({ icon, title }) => [icon, title],
  "level-up": ({ level }) => ["✨", `Level ${number(level)}`],
  "pet-evolved": ({ stage, stage_index: index, species }) => [
    "🥚",
    index === 0 ? `${species} joined` : `${species} grew: ${stage}`,
  ],
};

let items = [];
let pending = null;

/** Return what a message of the stream says: `{ key, scope, at, icon, text }`. */
export function told(type, message) {
  const [icon, text] = WORDS[type](message);
  return { key: message.event_id, scope: message.scope, at: message.recorded_at, icon, text };
}

export const isNews = (type) => type in WORDS;

/** Add one, soon. */
export function addNews(item) {
  if (items.some((each) => each.key === item.key)) return;
  items = [item, ...items].slice(0, SHOWN);
  pending ??= setTimeout(render, GATHER);
}

/** Begin with what a scope has; what the stream told about it since the page was opened stays on top. */
export function seedNews(scope, unlocked) {
  const live = items.filter((each) => !each.isOld && (scope === "gateway" || each.scope === scope));
  const texts = new Set(live.filter((each) => each.scope === scope).map((each) => each.text));
  const old = unlocked
    .filter((each) => each.achievedAt && !texts.has(each.title))
    .sort((one, other) => other.achievedAt.localeCompare(one.achievedAt))
    .map((each) => ({ key: each.id, scope, at: each.achievedAt, icon: each.icon, text: each.title, isOld: true }));
  items = [...live, ...old].slice(0, SHOWN);
  render();
}

function render() {
  pending = null;
  const list = byId("news");
  if (items.length) swap(list, ...items.map(line));
  else swap(list, h("li", { class: "quiet" }, "Nothing yet. The first one is never far."));
}

function line({ key, scope, at, icon, text, isOld }) {
  const who = scope === current() ? null : linkTo(scope, scopeName(scope), { "data-key": key });
  return h(
    "li",
    { "data-event": key, class: isOld ? null : "fresh" },
    h("span", { class: "icon", "aria-hidden": "true" }, icon),
    h("span", { class: "what" }, h("strong", {}, text), " ", who),
    h("time", { datetime: at, class: "quiet" }, ago(at)),
  );
}
