// Times and sizes in words.

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const WHOLE = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" });
const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** "3 hours ago" for an ISO 8601 time. */
export function ago(time) {
  const seconds = (new Date(time) - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? [];
  return unit ? RELATIVE.format(Math.trunc(seconds / size), unit) : "just now";
}

/** What was "just now" grows old. */
export function updateTimes() {
  for (const time of document.querySelectorAll("time")) time.textContent = ago(time.dateTime);
}

const DAY = new Intl.DateTimeFormat("en", { weekday: "long", day: "numeric", month: "long" });
const MONTH = new Intl.DateTimeFormat("en", { month: "long", year: "numeric" });
const WEEK_DAYS = 7;

/** "Today", "Yesterday", "Monday, March 3", then months. */
export function dayOf(time) {
  const midnight = (date) => new Date(date).setHours(0, 0, 0, 0);
  const days = Math.round((midnight(Date.now()) - midnight(time)) / 86_400_000);
  if (days < 2) return days < 1 ? "Today" : "Yesterday";
  return (days < WEEK_DAYS ? DAY : MONTH).format(new Date(time));
}

export const moment = (time) => WHOLE.format(new Date(time));

export const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

export const duration = (milliseconds) =>
  milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(2)} s`;
