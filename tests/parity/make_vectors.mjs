// Makes vectors.json by running gamification.ts, the module that streakline replaces, as it is.
//
//   cd "$(mktemp -d)" && npm install --no-save typescript@5 && node .../tests/parity/make_vectors.mjs
//
// The tests read vectors.json and need no Node. Only three things are changed in what runs: the types are removed,
// the logger is silent, and the buddy's hard-coded baseline is zero (streakline has STREAKLINE_BASELINE instead).

import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const ts = createRequire(join(process.cwd(), "package.json"))("typescript");
const HERE = new URL(".", import.meta.url);
const PRIVATE = ["pickName", "computeLevel", "selectMood", "selectSpeech"];
const NO_BASELINE = "const WORKBENCH_V1_BUDDY_BASELINE = { tokensSaved: 0, costSaved: 0, streakDays: 0 };";

/** The reference as a module, with what it keeps private. */
async function load() {
  const source = readFileSync(new URL("gamification.ts", HERE), "utf8");
  const cleared = source.replace(/const WORKBENCH_V1_BUDDY_BASELINE = \{[^}]*\};/, NO_BASELINE);
  if (cleared === source) throw new Error("the baseline was not found");
  const { outputText } = ts.transpileModule(`${cleared}\nexport { ${PRIVATE.join(", ")} };`, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  const folder = mkdtempSync(join(tmpdir(), "streakline-parity-"));
  mkdirSync(join(folder, "observability"));
  mkdirSync(join(folder, "gamification"));
  writeFileSync(join(folder, "package.json"), '{"type": "module"}');
  writeFileSync(join(folder, "observability", "logger.js"), "export const logger = { warn(_, text) { throw new Error(text); } };");
  writeFileSync(join(folder, "gamification", "index.js"), outputText);
  return import(pathToFileURL(join(folder, "gamification", "index.js")));
}

/** A database that answers each of the reference's queries with what it would have counted. */
function database(answers) {
  const kinds = [
    [/AS total_req/, "totals"],
    [/AS races/, "races"],
    [/superseded_by IS NULL/, "facts"],
    [/subscription_quota_window/, "subscriptions"],
    [/SELECT DISTINCT day/, "days"],
    [/generate_series/, "calendar"],
    [/ORDER BY created_at DESC/, "events"],
    [/INTERVAL '14 days'/, "savings"],
  ];
  return {
    async query(sql) {
      const found = kinds.find(([pattern]) => pattern.test(sql));
      if (!found || !(found[1] in answers)) throw new Error(`no answer to ${sql}`);
      return { rows: answers[found[1]] };
    },
  };
}

const DAY = 86_400_000;
const day = (back) => new Date(Date.parse(`${new Date().toISOString().slice(0, 10)}T00:00:00Z`) - back * DAY);

/** What Postgres would answer for a scope with these counts. pg gives numbers beyond 32 bits as strings. */
function scope(s) {
  return database({
    totals: [
      {
        total_req: String(s.totalRequests),
        uniq_callers: String(s.uniqueCallers),
        uniq_models: String(s.uniqueModels),
        days_active: String(s.daysActive),
        cache_hits: String(s.cacheHits),
        tokens_saved: String(s.totalTokensSaved),
        cost_saved: String(s.totalCostSaved),
      },
    ],
    races: [{ races: String(s.raceWins) }],
    facts: [{ n: String(s.factsStored) }],
    subscriptions: [{ n: String(s.subscriptionsConfigured) }],
    days: Array.from({ length: s.streakDays }, (_, back) => ({ day: day(back) })),
  });
}

const NOTHING = {
  totalRequests: 0,
  totalTokensSaved: 0,
  totalCostSaved: 0,
  cacheHits: 0,
  semanticHits: 0,
  uniqueCallers: 0,
  uniqueModels: 0,
  raceWins: 0,
  factsStored: 0,
  streakDays: 0,
  subscriptionsConfigured: 0,
  daysActive: 0,
};

/** The same numbers in every run. */
function random(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const { pickName, computeLevel, selectMood, selectSpeech, ...reference } = await load();

function names() {
  const pool = [..."az09-_ äöüßéñ", ..."日本語한국어עבריتЖд", ..."🦊🐉👩‍💻🏳️‍🌈", "\u0000", "\uffff", "\u{10000}", "\u{10ffff}"];
  const next = random(1);
  const seeds = ["", "gateway", "caller", "x".repeat(200), "🦊".repeat(100)];
  for (let i = 0; i < 60; i += 1) seeds.push(Array.from({ length: 1 + next(24) }, () => pool[next(pool.length)]).join(""));
  return seeds.map((seed) => [seed, pickName(seed)]);
}

function levels() {
  const points = [0, 1, 52, 38_908];
  for (const level of [1, 2, 3, 4, 5, 10, 26, 27, 28, 99, 100, 1000, 9999]) {
    for (const around of [-1, 0, 1]) points.push(level * level * 53 + around);
  }
  return points.map((xp) => [xp, computeLevel(xp)]);
}

function moods() {
  const vectors = [];
  for (const streakDays of [0, 1, 6, 7, 365]) {
    for (const cacheHits of [0, 1, 99, 100]) {
      for (const totalRequests of [0, 9, 10]) {
        for (const totalCostSaved of [0, 0.995, 1, 1.005, 2.675, 72.54, 1234.565]) {
          const stats = { ...NOTHING, streakDays, cacheHits, totalRequests, totalCostSaved, uniqueCallers: 3 };
          const mood = selectMood(stats);
          vectors.push({ streakDays, cacheHits, totalRequests, totalCostSaved, mood, speech: selectSpeech(stats, mood) });
        }
      }
    }
  }
  return vectors;
}

/** toFixed(2), as the speech uses it. */
function cents() {
  const next = random(2);
  const amounts = [1.005, 1.015, 1.025, 8.345, 10.235, 1.455, 1e9, 18_446_744_073.709553, 4.35, 1.999999999];
  for (let i = 0; i < 100; i += 1) amounts.push((1_000_000_000 + next(4_000_000_000)) / 1e9, 1 + next(1000) / 200);
  return amounts.map((dollars) => [dollars, selectSpeech({ ...NOTHING, totalCostSaved: dollars }, "sleepy")]);
}

const SCOPES = [
  {},
  { totalRequests: 1, uniqueCallers: 1, uniqueModels: 1, daysActive: 1, streakDays: 1 },
  { totalRequests: 12, cacheHits: 9, totalTokensSaved: 999, totalCostSaved: 0.009999999, streakDays: 2, daysActive: 2 },
  { totalRequests: 12, cacheHits: 10, totalTokensSaved: 1_000, totalCostSaved: 0.01, streakDays: 3, daysActive: 3 },
  { totalRequests: 99, cacheHits: 40, totalTokensSaved: 9_999, totalCostSaved: 0.999999999, streakDays: 6, raceWins: 2 },
  { totalRequests: 100, cacheHits: 41, totalTokensSaved: 10_000, totalCostSaved: 1, streakDays: 7, factsStored: 3 },
  { totalRequests: 1_000, cacheHits: 300, totalTokensSaved: 100_000, totalCostSaved: 10.05, streakDays: 29, uniqueModels: 5 },
  { totalRequests: 9_999, cacheHits: 2_000, totalTokensSaved: 999_999, totalCostSaved: 99.995, streakDays: 30, uniqueCallers: 3 },
  { totalRequests: 10_000, cacheHits: 2_001, totalTokensSaved: 1_000_000, totalCostSaved: 100, streakDays: 7, uniqueCallers: 3 },
  { totalRequests: 50_000, cacheHits: 9_000, totalTokensSaved: 9_304_882, totalCostSaved: 72.54, streakDays: 5, daysActive: 90 },
  { totalRequests: 90_000, cacheHits: 70_000, totalTokensSaved: 10_000_000, totalCostSaved: 1234.565, streakDays: 365, raceWins: 7, factsStored: 12, uniqueCallers: 40, uniqueModels: 9, subscriptionsConfigured: 3, daysActive: 400 },
  { totalTokensSaved: 240, subscriptionsConfigured: 3 },
];

/** Buddy and achievements of whole scopes. Where streakline differs, `differs` says so by name. */
async function scopes() {
  const vectors = [];
  for (const given of SCOPES) {
    const stats = { ...NOTHING, ...given };
    const { asciiArt, ...buddy } = await reference.getBuddyState(scope(stats), "gateway");
    const { unlocked, locked, progress } = await reference.getAchievements(scope(stats));
    const ids = (list) => list.map((each) => each.id);
    const meets = {
      "gateway-dragon": stats.totalTokensSaved >= 1_000_000 && stats.streakDays >= 7,
      "cache-cat": stats.cacheHits >= 10,
      "token-fox": stats.totalTokensSaved >= 1_000,
    };
    const byRarity = ["gateway-dragon", "cache-cat", "token-fox"].find((id) => meets[id]);
    const differs = {};
    if (buddy.unlockedSpecies.some(({ id, unlocked: is }) => is !== meets[id]) || buddy.speciesId !== (byRarity ?? "gateway-dragon")) {
      differs["active species: by its own condition, not the dragon for any traffic"] = byRarity ?? "gateway-dragon (egg)";
    }
    vectors.push({ stats, buddy, unlocked: ids(unlocked), locked: ids(locked), progress, differs });
  }
  return vectors;
}

/** Percent of the catalog, for every number of unlocked achievements: the reference's 22, and a caller's 20. */
async function progress() {
  const ladder = ["totalRequests", "cacheHits", "raceWins", "factsStored", "totalTokensSaved", "totalCostSaved", "streakDays", "uniqueCallers", "uniqueModels", "subscriptionsConfigured"];
  const found = new Map();
  for (let mask = 0; mask < 2 ** ladder.length; mask += 1) {
    const stats = { ...NOTHING };
    ladder.forEach((name, i) => {
      if (mask & (1 << i)) stats[name] = 1_000_000;
      else if (mask & (1 << ((i + 3) % ladder.length))) stats[name] = i % 2 ? 5 : 3;
    });
    stats.streakDays = Math.min(stats.streakDays, 40);
    const { unlocked, progress: percent } = await reference.getAchievements(scope(stats));
    found.set(unlocked.length, percent);
  }
  return [...found].sort(([one], [other]) => one - other);
}

async function calendars() {
  const next = random(3);
  const many = (length, below) => Array.from({ length }, () => next(below));
  const cases = {
    "no requests": [0, 0, 0],
    "one day": [0, 5, 0],
    "all the same": [4, 4, 4, 4, 4],
    "one of each quartile": [1, 2, 3, 4],
    "three days": [1, 2, 3],
    "five days": [5, 1, 4, 2, 3],
    "ties at the borders": [1, 1, 2, 2, 2, 3, 3, 9, 0, 0, 9, 9],
    "a busy month": many(31, 40),
    "a sparse year": many(365, 100).map((n) => Math.max(0, n - 80)),
    "large numbers": many(14, 2 ** 31 - 1),
  };
  const vectors = [];
  for (const [name, counts] of Object.entries(cases)) {
    const rows = counts.map((count, i) => ({ day: day(counts.length - 1 - i), count: String(count), tokens_saved: String(count * 7) }));
    const cells = await reference.getCalendarHeatmap(database({ calendar: rows }), counts.length);
    vectors.push({ name, counts, tokensSaved: cells.map((cell) => cell.tokensSaved), levels: cells.map((cell) => cell.level) });
  }
  return vectors;
}

const REQUEST = {
  request_id: "r",
  caller_id: "ada",
  model: "gpt-4o",
  status: "success",
  tokens_in: 120,
  tokens_out: 30,
  cost_usd: "0.01",
  latency_ms: 250,
  fallback_used: false,
  created_at: "2025-12-19T10:00:00.123Z",
};

async function events() {
  const cached = "a cache hit when the event says so, whatever its latency";
  const absent = "an absent latency is 0";
  const cases = [
    [{}],
    [{ latency_ms: 99 }],
    [{ latency_ms: 100 }],
    [{ latency_ms: 0 }],
    [{ fallback_used: true }],
    [{ fallback_used: true, latency_ms: 5 }],
    [{ status: "error" }],
    [{ status: "rejected", latency_ms: 5, fallback_used: true }],
    [{ status: "Error" }],
    [{ tokens_in: null, tokens_out: 7 }],
    [{ tokens_in: 9_007_199_254_740_991, tokens_out: 0 }],
    [{ model: "模型 · x", caller_id: "a/b é" }],
    [{ created_at: "2025-12-19T10:00:00Z" }],
    [{ created_at: "2025-12-19T23:59:59.999999Z" }],
    [{ created_at: "2025-12-19T10:00:00.1239+05:30" }],
    [{ created_at: "0099-01-01T00:00:00Z" }],
    [{ cache: "exact" }, { [cached]: { type: "cache-hit", icon: "⚡" } }],
    [{ cache: "semantic", fallback_used: true }, { [cached]: { type: "cache-hit", icon: "⚡" } }],
    [{ cache: "exact", status: "error" }],
    [{ latency_ms: null }, { [absent]: { detail: "gpt-4o · 150 tokens · 0ms" } }],
  ];
  const vectors = [];
  for (const [change, differs = {}] of cases) {
    const event = { ...REQUEST, ...change };
    const [entry] = await reference.getRecentEvents(database({ events: [event] }), 1);
    vectors.push({ event, entry, differs });
  }
  return vectors;
}

/** Savings by day in dollars, the last one today's, the first one not 0; a 0 is a quiet day, a point of streakline's window. */
async function forecasts() {
  const next = random(4);
  const cases = {
    nothing: [],
    "one day": [2.5],
    "two days up": [1, 2],
    "two days down": [2, 1],
    "10 % more is flat": [1, 1.1],
    "a nano-dollar more than 10 % is up": [1, 1.100000001],
    "10 % less is flat": [1, 0.9],
    "a nano-dollar more than 10 % less is down": [1, 0.899999999],
    "the later half is the longer one": [1, 1, 1.2],
    "a fortnight": [0.1, 0.2, 0.3, 0.1, 0.2, 0.3, 0.1, 0.2, 0.3, 0.1, 0.2, 0.3, 0.1, 0.2],
    "a fortnight with quiet days": [3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0],
    "large and small": [900_000_000, 0.000000001, 0.25],
    ...Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`random ${i + 1}`, Array.from({ length: 1 + next(14) }, () => (1 + next(3000)) / 100)]),
    ),
  };
  for (let cents = 10; cents <= 300; cents += 10) {
    cases[`10 % more than ${cents} cents`] = [cents / 100, (cents * 11) / 1000];
    cases[`10 % less than ${cents} cents`] = [cents / 100, (cents * 9) / 1000];
  }
  const vectors = [];
  for (const [name, dollars] of Object.entries(cases)) {
    const savings = dollars.map((saved, i) => ({ day: day(dollars.length - 1 - i), saved: String(saved) }));
    const forecast = await reference.getForecast(database({ savings }));
    const differs = /^10 % (more|less) than/.test(name) && forecast.trend !== "flat" ? { "sums are exact: 10 % is 10 %": { trend: "flat" } } : {};
    vectors.push({ name, dollars, forecast, differs });
  }
  return vectors;
}

const vectors = {
  names: names(),
  levels: levels(),
  moods: moods(),
  cents: cents(),
  scopes: await scopes(),
  progress: await progress(),
  calendars: await calendars(),
  events: await events(),
  forecasts: await forecasts(),
};
const lines = Object.entries(vectors).map(
  ([name, list]) => `"${name}": [\n${list.map((each) => JSON.stringify(each)).join(",\n")}\n]`,
);
writeFileSync(new URL("vectors.json", HERE), `{\n${lines.join(",\n")}\n}\n`);
