/** Numbers and times in words. Days are UTC days, as everything that is counted. */

const NUMBER = new Intl.NumberFormat("en");
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const DOLLARS = new Intl.NumberFormat("en", { style: "currency", currency: "USD" });
const DAY = new Intl.DateTimeFormat("en", { dateStyle: "full", timeZone: "UTC" });
const DATE = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeZone: "UTC" });
const DATE_OF_THIS_YEAR = new Intl.DateTimeFormat("en", { month: "short", day: "numeric", timeZone: "UTC" });
const CLOCK = new Intl.DateTimeFormat("en", { timeStyle: "medium", hourCycle: "h23" });
const CENT = 0.01;

export const number = (value) => NUMBER.format(value);

/** A number of at most four digits with K, M or B. */
export const short = (value) => SHORT.format(value);

/** An amount of money; less than a cent is not rounded to nothing. */
export const dollars = (value) => (value > 0 && value < CENT ? "< $0.01" : DOLLARS.format(value));

export const plural = (count, word) => `${number(count)} ${word}${count === 1 ? "" : "s"}`;

/** "Tuesday, November 3, 2026", from "2026-11-03". */
export const longDay = (date) => DAY.format(new Date(`${date}T00:00:00Z`));

/** "Nov 3", with the year where it is another one. */
export function shortDay(time, now = new Date()) {
  const day = new Date(time);
  return (day.getUTCFullYear() === now.getUTCFullYear() ? DATE_OF_THIS_YEAR : DATE).format(day);
}

export const clock = (time) => CLOCK.format(new Date(time));

/** How long ago, in the unit that is meant: "just now", "12 s ago", "3 min ago", "5 h ago", then the day. */
export function ago(time, now = Date.now()) {
  const seconds = Math.round((now - new Date(time).getTime()) / 1000);
  if (seconds < 2) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return shortDay(time);
}

/** How a scope is called where there is little room. */
export const scopeName = (scope) => scope.replace(/^caller:/, "");
