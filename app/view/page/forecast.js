/** What will be saved if the last days go on. */

import { byId, h, swap } from "./dom.js";
import { dollars, plural } from "./format.js";

const TREND = { up: ["↗", "rising"], flat: ["→", "steady"], down: ["↘", "falling"] };

/** Show a forecast. */
export function showForecast(forecast) {
  const box = byId("forecast");
  if (forecast.basedOnDays === 0) {
    return swap(box, h("p", { class: "quiet" }, "Nothing was saved in the last 14 days."));
  }
  const [arrow, word] = TREND[forecast.trend];
  const row = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, dollars(value)));
  return swap(
    box,
    h(
      "dl",
      { class: "forecast" },
      row("next 7 days", forecast.next7DaysSavings),
      row("next 30 days", forecast.next30DaysSavings),
      row("next 365 days", forecast.next365DaysSavings),
    ),
    h(
      "p",
      { class: "quiet" },
      h("span", { class: "trend", "data-trend": forecast.trend, "aria-hidden": "true" }, arrow),
      ` ${word}, ${dollars(forecast.dailyAverage)} a day over ${plural(forecast.basedOnDays, "day")}`,
    ),
  );
}
