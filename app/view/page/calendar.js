/** The calendar: a column for each week, Sunday on top, today at the end. The arrow keys walk over the days. */

import { byId, h, s, say, swap } from "./dom.js";
import { longDay, plural } from "./format.js";

const CELL = 11;
const STEP = 14;
const LEFT = 30;
const TOP = 18;
const WEEK = 7;
const LEVELS = 5;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MOVES = { ArrowLeft: -WEEK, ArrowRight: WEEK, ArrowUp: -1, ArrowDown: 1 };

let days = [];
/** The date that the tab key leads to. */
let anchor = null;

/** Draw the days, oldest first. */
export function showCalendar(calendar) {
  const isNew = days.length === 0;
  days = calendar;
  const box = byId("calendar");
  if (!days.some((day) => day.date === anchor)) anchor = days.at(-1)?.date ?? null;
  swap(box, days.length ? drawing() : h("p", { class: "quiet" }, "No days yet."));
  const active = days.filter((day) => day.count).length;
  const total = days.reduce((sum, day) => sum + day.count, 0);
  say("year-words", `${plural(total, "request")} on ${plural(active, "day")}`);
  if (isNew) box.scrollLeft = box.scrollWidth;
}

function drawing() {
  const first = weekdayOf(days[0]);
  const weeks = Math.ceil((first + days.length) / WEEK);
  const size = { width: LEFT + weeks * STEP, height: TOP + WEEK * STEP };
  const rows = WEEKDAYS.map((name) => s("g", { role: "row", "aria-label": name }));
  days.forEach((day, place) => rows[weekdayOf(day)].append(cell(day, Math.floor((first + place) / WEEK))));
  return s(
    "svg",
    {
      viewBox: `0 0 ${size.width} ${size.height}`,
      role: "grid",
      "aria-label": "Requests by day; the arrow keys move by days and weeks",
      "aria-readonly": "true",
    },
    s("g", { "aria-hidden": "true", class: "words" }, ...months(first), ...weekdays()),
    ...rows.filter((row) => row.childNodes.length),
  );
}

const weekdayOf = (day) => new Date(`${day.date}T00:00:00Z`).getUTCDay();

function cell(day, week) {
  return s("rect", {
    role: "gridcell",
    "aria-label": words(day),
    tabindex: day.date === anchor ? 0 : -1,
    "data-key": day.date,
    "data-level": day.level,
    x: LEFT + week * STEP,
    y: TOP + weekdayOf(day) * STEP,
    width: CELL,
    height: CELL,
    rx: 2.5,
  });
}

function words(day) {
  const saved = day.tokensSaved ? `, ${plural(day.tokensSaved, "token")} saved` : "";
  return `${longDay(day.date)}: ${day.count ? plural(day.count, "request") : "no requests"}${saved}`;
}

/** The names of the months, each above its first whole week, where there is room. */
function* months(first) {
  let free = 0;
  for (let place = (WEEK - first) % WEEK; place < days.length; place += WEEK) {
    const [, month, day] = days[place].date.split("-").map(Number);
    const x = LEFT + Math.floor((first + place) / WEEK) * STEP;
    const isFirst = day <= WEEK || place < WEEK;
    if (!isFirst || x < free || (place < WEEK && day > 3 * WEEK)) continue;
    free = x + 2 * STEP;
    yield s("text", { x, y: 11 }, MONTHS[month - 1]);
  }
}

const weekdays = () => [1, 3, 5].map((day) => s("text", { x: 0, y: TOP + day * STEP + 9 }, WEEKDAYS[day].slice(0, 3)));

/** Wire the keys and the tooltip, once. */
export function startCalendar() {
  const box = byId("calendar");
  box.addEventListener("keydown", (event) => {
    const place = days.findIndex((day) => day.date === event.target.dataset?.key);
    if (place < 0) return;
    if (event.key === "Escape") hideTip();
    const goal = { Home: 0, End: days.length - 1 }[event.key] ?? place + (MOVES[event.key] ?? NaN);
    if (!days[goal]) return;
    event.preventDefault();
    walkTo(days[goal].date);
  });
  for (const name of ["pointerover", "focusin"]) box.addEventListener(name, (event) => showTip(event.target));
  for (const name of ["pointerleave", "focusout", "scroll"]) box.addEventListener(name, hideTip);
  const squares = Array.from({ length: LEVELS }, (_, level) => h("i", { "data-level": level }));
  byId("legend").replaceChildren("less", ...squares, "more");
}

function walkTo(date) {
  const box = byId("calendar");
  box.querySelector('[tabindex="0"]')?.setAttribute("tabindex", -1);
  anchor = date;
  const goal = box.querySelector(`[data-key="${date}"]`);
  goal.setAttribute("tabindex", 0);
  goal.focus();
}

function showTip(target) {
  const day = days.find((each) => each.date === target.dataset?.key);
  if (!day) return hideTip();
  const tip = byId("tip");
  tip.textContent = words(day);
  tip.hidden = false;
  const { left, top, width } = target.getBoundingClientRect();
  const half = tip.offsetWidth / 2;
  const middle = Math.min(Math.max(left + width / 2, half + 8), document.documentElement.clientWidth - half - 8);
  tip.style.left = `${middle - half}px`;
  tip.style.top = `${top - tip.offsetHeight - 6}px`;
}

function hideTip() {
  byId("tip").hidden = true;
}
