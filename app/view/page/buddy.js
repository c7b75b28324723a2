/** The buddy on its ground: its picture, who it is, its words, and what it has saved. */

import { byId, h, isStill, s, say, swap } from "./dom.js";
import { dollars, number, plural, short } from "./format.js";

const XP = 53;
const BLINK_EVERY = 4_200;
const BLINK = 160;
const PULSE_DAYS = 14;
/** Two eyes with nothing but signs between them; an egg has none. */
const EYES = /([o*@])([^\w\n]+)\1/;
const MOTES = { excited: ["*", "+", ".", "*", "'", "+"], sleepy: ["z", "z", "Z"], hungry: ["?"] };

let art = "";
let isAsleep = false;

/** Show a buddy. `species` is the catalog's list, for what comes next; it may still be empty. */
export function showBuddy(buddy, species) {
  const { stages = [] } = species.find((each) => each.id === buddy.speciesId) ?? {};
  const hero = byId("buddy");
  hero.dataset.rarity = buddy.rarity;
  hero.dataset.mood = buddy.mood;
  draw(buddy);
  say("buddy-name", buddy.name);
  say("buddy-kind", kind(buddy, stages[buddy.stageIndex + 1]));
  say("speech", buddy.speech);
  say("level-words", `Level ${number(buddy.level)}`);
  byId("level-bar").value = levelShare(buddy);
  say("xp-words", `${number(buddy.xp)} of ${number(buddy.xpForNextLevel)} XP`);
  say("streak-days", number(buddy.streakDays));
  say("streak-words", buddy.streakDays === 1 ? "day in a row" : "days in a row");
  byId("streak-days").dataset.burning = buddy.streakDays > 0;
  say("tokens", number(buddy.tokensSaved));
  say("dollars", dollars(buddy.costSaved));
  swap(byId("pets"), ...buddy.unlockedSpecies.map((each) => pet(each, species)));
  document.title = `${buddy.name}, level ${buddy.level} · streakline`;
}

function kind(buddy, next) {
  const now = `${buddy.species} · ${buddy.stage}, stage ${buddy.stageIndex + 1} of ${buddy.totalStages} · ${buddy.rarity}`;
  return next ? `${now} · next: ${next.name} at ${short(next.unlocksAtTokensSaved)} tokens` : now;
}

/** How much of the way from its level to the next it has gone, 0 to 1. */
export function levelShare({ level, xp, xpForNextLevel }) {
  const begin = level > 1 ? level * level * XP : 0;
  return Math.min(1, Math.max(0, (xp - begin) / (xpForNextLevel - begin)));
}

function pet({ id, name, rarity, unlocked }, species) {
  const condition = species.find((each) => each.id === id)?.unlockCondition;
  const rest = unlocked ? null : h("span", { class: "quiet" }, condition ? ` at ${condition}` : " not yet");
  return h("li", { "data-rarity": rarity, "data-unlocked": unlocked }, name, rest);
}

function draw(buddy) {
  isAsleep = buddy.mood === "sleepy";
  const lines = buddy.asciiArt.join("\n");
  const picture = byId("picture");
  picture.setAttribute("aria-label", `${buddy.stage} of ${buddy.species}, ${buddy.mood}`);
  if (lines === art) return;
  art = lines;
  byId("art").textContent = isAsleep ? eyesClosed(art) : art;
  const motes = MOTES[buddy.mood] ?? [];
  swap(document.querySelector(".motes"), ...motes.map((mote) => h("i", {}, mote)));
}

const eyesClosed = (picture) => picture.replace(EYES, "-$2-");

/** Let the buddy blink, as long as it lives. */
export function startBlinking() {
  setInterval(() => {
    if (isStill() || isAsleep || document.hidden) return;
    byId("art").textContent = eyesClosed(art);
    setTimeout(() => (byId("art").textContent = art), BLINK);
  }, BLINK_EVERY);
}

/** Let it jump: something was earned. */
export function cheer() {
  const stand = byId("stand");
  stand.classList.remove("cheering");
  stand.getBoundingClientRect(); // a new layout begins the animation anew
  stand.classList.add("cheering");
}

/** Show the requests of the last two weeks as small bars. */
export function showPulse(calendar) {
  const days = calendar.slice(-PULSE_DAYS);
  const most = Math.max(1, ...days.map((day) => day.count));
  const total = days.reduce((sum, day) => sum + day.count, 0);
  const pulse = byId("pulse");
  pulse.setAttribute("viewBox", `0 0 ${days.length * 8 - 2} 28`);
  pulse.setAttribute("aria-label", `Requests a day, the last ${days.length} days, at most ${number(most)}`);
  const bar = ({ count }, place) => {
    const height = count ? Math.max(2, (28 * count) / most) : 1;
    return s("rect", { x: place * 8, y: 28 - height, width: 6, height, rx: 1, class: count ? null : "none" });
  };
  pulse.replaceChildren(...days.map(bar));
  say("pulse-words", `${plural(total, "request")} in ${days.length} days`);
}
