// Numbers and times as text.

export const decimal = (value, digits = 3) => (value === null || value === undefined ? "–" : value.toFixed(digits));

/** A difference with its sign; what rounds to zero has a plus, as the service writes it. */
export const signed = (value, digits = 3) => {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value).toFixed(digits);
  return `${value < 0 && Number(size) !== 0 ? "−" : "+"}${size}`;
};

/** The difference of two numbers as they are written, with its sign: a reader who subtracts finds the same. */
export function difference(one, other, digits = 3) {
  const known = [one, other].every((value) => value !== null && value !== undefined);
  return known ? signed(Number(one.toFixed(digits)) - Number(other.toFixed(digits)), digits) : "–";
}

/** A sentence of the service with the minus signs that the other numbers of the page have. */
export const withMinus = (sentence) => sentence.replaceAll(/(^|[\s(])-(?=\d)/g, "$1−");

export const percent = (ratio, digits = 1) => (ratio === null || ratio === undefined ? "–" : `${(100 * ratio).toFixed(digits)} %`);

/** The multi-adds over the budget; empty where a search space of mode exact gives all trials the same. */
export const ofBudget = ({ spec }, { madds_ratio: ratio }) => (spec.search_space.mode === "exact" ? "" : `${percent(ratio)} of the budget`);

export const millions = (count, digits = 0) =>
  `${(count / 1e6).toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })} M`;

const UNITS = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1, ""]]; // as the service reads and writes budgets
export const DIGITS = 4;

/** A number with its noun: `1 seed`, `1,200 seeds`. */
export const counted = (count, noun) => `${count.toLocaleString("en")}\u00a0${noun}${count === 1 ? "" : "s"}`;

/** A count in few digits: `647.5 M`. */
export function compact(count) {
  const [size, unit] = UNITS.find(([least]) => count >= least) ?? UNITS.at(-1);
  return `${(count / size).toLocaleString("en", { maximumSignificantDigits: DIGITS })} ${unit}`.trim();
}

/** `42 s`, `3 min 05 s`, `2 h 10 min`, `1,041 d 16 h`; search_space/display.py has the same rule. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  if (seconds > 0 && seconds < 0.5) return "under 1 s";
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
  return `${Math.floor(whole / 86400).toLocaleString("en")} d ${Math.floor((whole % 86400) / 3600)} h`;
}

/** Device hours as a time: `4 min 00 s of device time`; search_space/display.py has the same rule. */
export const deviceTime = (hours) => `${duration(hours === null || hours === undefined ? null : 3600 * hours)} of device time`;

/**
 * The seconds of a campaign from its start to its end, its current pause or `now` (in milliseconds since 1970), without
 * pauses; null before the start. api/report/wall_time.py has the same rule.
 */
export function wallSeconds({ started_at: started, finished_at: finished, paused_at: pausedAt, paused_seconds: paused }, now) {
  const seconds = secondsBetween(started, finished ?? pausedAt ?? new Date(now).toISOString());
  return seconds === null ? null : Math.max(0, seconds - paused);
}

export const secondsBetween = (from, to) => (from && to ? (Date.parse(to) - Date.parse(from)) / 1000 : null);

/** `14:05` today, `3 Nov 14:05` this year, otherwise with the year. */
export function dateTime(text) {
  if (!text) return "–";
  const at = new Date(text), now = new Date();
  const clock = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (at.toDateString() === now.toDateString()) return clock;
  const year = at.getFullYear() === now.getFullYear() ? {} : { year: "numeric" };
  return `${at.toLocaleDateString("en-GB", { day: "numeric", month: "short", ...year })} ${clock}`;
}
