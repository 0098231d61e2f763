// Formats for people: durations, moments, sizes.

import { now } from "./hub.js";
import { locale, t } from "./language.js";

/** 4 -> "4 s", 130 -> "2 min 10 s", 4000 -> "1 h 7 min" @param {number} seconds */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return t("time.seconds", whole);
  if (whole < 3600) return t("time.minutes", Math.floor(whole / 60), whole < 600 ? whole % 60 : 0);
  return t("time.hours", Math.floor(whole / 3600), Math.round((whole % 3600) / 60) % 60);
}

/** An estimate: never more exact than it is. @param {number} seconds */
export function estimate(seconds) {
  if (seconds < 10) return t("time.moment");
  if (seconds < 55) return t("time.about", t("time.seconds", Math.ceil(seconds / 10) * 10));
  if (seconds < 3570) return t("time.about", t("time.minutes", Math.max(1, Math.round(seconds / 60)), 0));
  const minutes = Math.round(seconds / 600) * 10;
  return t("time.about", t("time.hours", Math.floor(minutes / 60), minutes % 60));
}

/** 0:07, 12:30, 1:02:03 @param {number} seconds */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  return h ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

export function moment(/** @type {number} */ unix) {
  const ago = now() - unix;
  if (ago < 60) return t("time.now");
  if (ago < 3600) return t("time.ago", Math.floor(ago / 60));
  const when = new Date(unix * 1000);
  const today = new Date().toDateString() === when.toDateString();
  /** @type {Intl.DateTimeFormatOptions} */
  const form = today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
  return new Intl.DateTimeFormat(locale(), form).format(when);
}

export function size(/** @type {number} */ bytes) {
  const units = ["B", "KB", "MB", "GB"];
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) {
    bytes /= 1024;
    unit += 1;
  }
  const digits = unit && bytes < 10 ? 1 : 0;
  return `${bytes.toFixed(digits)} ${units[unit]}`;
}

/** 13.2e9 -> "12.3": gigabytes of a card, as drivers count them; whole ones as such. @param {number} bytes */
export function gigabytes(bytes) {
  const value = bytes / 2 ** 30;
  return value.toFixed(value < 100 && Math.abs(value - Math.round(value)) >= 0.05 ? 1 : 0);
}

/** @param {(string | false | null | undefined | 0)[]} parts */
export const join = (...parts) => parts.filter(Boolean).join(" · ");
