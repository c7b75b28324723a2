/**
 * The dashboard. This module knows what is asked when and what shows the answer; the others know how.
 *
 * All of it is asked when the page opens, when the scope changes, when the stream is back, and when the stream
 * says that the scope has earned something; the quick parts every few seconds, as long as somebody looks.
 */

import { showAchievements } from "./achievements.js";
import * as api from "./api.js";
import { cheer, showBuddy, showPulse, startBlinking } from "./buddy.js";
import { showCalendar, startCalendar } from "./calendar.js";
import { byId, say } from "./dom.js";
import { showForecast } from "./forecast.js";
import { ago, clock } from "./format.js";
import { showLeaders } from "./leaders.js";
import { addNews, isNews, seedNews, told } from "./news.js";
import { showRequests } from "./requests.js";
import { current, offer, startScope } from "./scope.js";
import { showStats } from "./stats.js";
import { follow } from "./stream.js";
import { startTheme } from "./theme.js";
import { toast } from "./toasts.js";

const GATEWAY = "gateway";
const NOT_FOUND = 404;
/** Milliseconds. */
const QUICKLY = 5_000;
const FULLY = 60_000;
const SOON = 300;
const AGAIN = 2_000;

let scope = current();
let catalog = { species: [], holders: new Map() };
let pending = null;
let isLost = false;

const of = (part) => `v1/scopes/${encodeURIComponent(scope)}/${part}`;

/** What is asked, and what shows the answer. */
const QUICK = {
  buddy: [() => of("buddy"), (buddy) => showBuddy(buddy, catalog.species)],
  stats: [() => of("stats"), (stats) => showStats(stats, scope)],
  requests: [() => of("events?limit=12"), showRequests],
};
const ALL = {
  catalog: [() => "v1/catalog", keepCatalog],
  ...QUICK,
  achievements: [() => of("achievements"), showEarned],
  calendar: [() => of("calendar?days=365"), showDays],
  forecast: [() => of("forecast"), showForecast],
  leaders: [() => "v1/leaderboard?by=tokensSaved&limit=100", showBest],
};

/** Ask for some parts and show them together. What was asked for another scope is dropped. */
async function refresh(parts) {
  const asked = scope;
  const asking = Object.values(parts).map(([path]) => api.get(path()));
  const answers = await Promise.allSettled(asking);
  if (asked !== scope) return;
  const problems = answers.filter((each) => each.status === "rejected").map((each) => each.reason);
  if (problems.some((each) => each.status === NOT_FOUND)) return showNobody();
  if (problems.length < answers.length) showSomebody();
  Object.values(parts).forEach(([, show], place) => {
    if (answers[place].status === "fulfilled") show(answers[place].value);
  });
  // What is not answered yet, as while the view reads its changelogs, is asked again; a loss the stream tells.
  if (problems.length && !isLost) setTimeout(() => asked === scope && refresh(parts), AGAIN);
}

/** Ask for everything in a moment; many reasons at once are one. */
function refreshSoon() {
  pending ??= setTimeout(() => {
    pending = null;
    refresh(ALL);
  }, SOON);
}

function keepCatalog({ PET_SPECIES: species, ACHIEVEMENTS: achievements }) {
  catalog = { species, holders: new Map(achievements.map((each) => [each.id, each])) };
}

function showEarned(achievements) {
  showAchievements(achievements, catalog.holders);
  seedNews(scope, achievements.unlocked);
}

function showDays(calendar) {
  showCalendar(calendar);
  showPulse(calendar);
}

function showBest(entries) {
  offer(entries.map((each) => each.scope));
  showLeaders(entries.slice(0, 10), scope);
}

function showSomebody() {
  if (api.asOf) say("as-of", `Counted up to ${clock(api.asOf)} on ${api.asOf.slice(0, 10)}.`);
  byId("main").setAttribute("aria-busy", "false");
  byId("nobody").hidden = true;
  byId("somebody").hidden = false;
}

function showNobody() {
  say("nobody-title", scope);
  byId("nobody").hidden = false;
  byId("somebody").hidden = true;
  byId("main").setAttribute("aria-busy", "false");
}

function showScope() {
  scope = current();
  byId("scope").value = scope;
  byId("main").setAttribute("aria-busy", "true");
  refresh(ALL);
}

function heard(type, data) {
  if (!isNews(type)) return;
  const message = JSON.parse(data);
  const isOurs = message.scope === scope;
  if (!isOurs && scope !== GATEWAY) return;
  const item = told(type, message);
  addNews(item);
  toast(item);
  if (isOurs) {
    cheer();
    refreshSoon();
  }
}

function opened() {
  isLost = false;
  byId("lost").hidden = true;
  showLink("live", "live");
  refresh(ALL);
}

let lostAt = null;

function lost(wait) {
  if (!isLost) lostAt = new Date();
  isLost = true;
  showLink("lost", "not connected");
  say("lost-words", `The view has not answered since ${clock(lostAt)}; this is how things were then. Trying again.`);
  byId("lost").hidden = false;
}

function showLink(state, words) {
  byId("link").dataset.state = state;
  say("link", words);
}

function start() {
  startTheme();
  startCalendar();
  startBlinking();
  startScope(showScope);
  byId("scope").value = scope;
  const retry = follow("v1/stream", { opened, message: heard, lost });
  byId("retry").addEventListener("click", retry);
  addEventListener("online", retry);
  const ifSeen = (parts) => () => document.hidden || isLost || refresh(parts);
  setInterval(ifSeen(QUICK), QUICKLY);
  setInterval(ifSeen(ALL), FULLY);
  document.addEventListener("visibilitychange", ifSeen(ALL));
  setInterval(tellTimes, QUICKLY);
}

/** Times that are said as "12 s ago" grow old. */
function tellTimes() {
  for (const time of document.querySelectorAll("#news time")) time.textContent = ago(time.dateTime);
}

start();
