// Words for the engine: its state, what that means, and what comes next.

import { duration } from "../common/format.js";
import { now, state } from "../common/hub.js";
import { explain, t } from "../common/language.js";
import { REASONS_ZH } from "./texts.js";

/**
 * What is shown as its state: no engine at all, or its status, or that it reads.
 * @param {Pick<Engine, "kind" | "status" | "in_flight">} engine
 */
export function condition({ kind, status, in_flight: reading }) {
  if (kind === "none") return "none";
  return status === "ready" && reading > 0 ? "reading" : status;
}

export function title(/** @type {Pick<Engine, "kind" | "status" | "in_flight">} */ engine) {
  const shown = condition(engine);
  const elsewhere = engine.kind === "remote" && (shown === "stopped" || shown === "failed");
  return t(elsewhere ? `engine.state.remote.${shown}` : `engine.state.${shown}`);
}

/** What it means and what comes next. Times count on between two answers of the server. @param {Engine} engine */
export function meaning(engine) {
  const shown = condition(engine);
  const passed = now() - (engine.since ?? now());
  if (shown === "none" || shown === "stopping") return t(`engine.${shown}`);
  if (shown === "reading") return t("engine.reading", engine.in_flight);
  if (shown === "draining") return t("engine.draining", engine.in_flight);
  if (shown === "starting" || shown === "waking") return t(`engine.${shown}`, duration(passed));
  if (shown === "failed") return t(engine.waiting ? "engine.failed.waiting" : "engine.failed");
  if (engine.kind === "remote") return t(`engine.remote.${shown}`);
  if (shown === "ready") return waits(engine);
  const stops = left(engine.stops_in);
  return shown === "asleep" && stops ? t("engine.asleep") + t("engine.asleep.stops", stops) : t(`engine.${shown}`);
}

function waits(/** @type {Engine} */ { sleeps_in: sleeps, stops_in: stops }) {
  if (left(sleeps)) return t("engine.sleeps", left(sleeps));
  return left(stops) ? t("engine.stops", left(stops)) : t("engine.stays");
}

// Time that is left by now, in words; empty without such a limit.
function left(/** @type {number | null | undefined} */ seconds) {
  if (seconds === null || seconds === undefined) return "";
  return duration(seconds - (Date.now() - (state.gpu?.seen ?? Date.now())) / 1000);
}

/** Why it failed, or why there is none. The original is what a translation left out. @param {Engine} engine */
export function failure({ kind, why = [], error }) {
  if (kind === "none") return translated(why.join(" "));
  if (!error) return null;
  const text = explain(error);
  return { text, original: text === error.message ? "" : error.message };
}

function translated(/** @type {string} */ sentence) {
  if (!sentence) return null;
  const known = state.language === "zh" && Object.keys(REASONS_ZH).find((start) => sentence.startsWith(start));
  return known ? { text: REASONS_ZH[known], original: sentence } : { text: sentence, original: "" };
}

/** Address of a server that runs elsewhere: its sentence says it. @param {Engine} engine */
export const addressIn = ({ why = [] }) => /https?:\/\/\S+?(?=[.,;]?(\s|$))/.exec(why.join(" "))?.[0] ?? "";

// The engine's cards as one: their memory together, their mean load. Null: there is none.
export function chosenCards() {
  const cards = (state.gpu?.cards ?? []).filter((card) => card.chosen);
  if (!cards.length) return null;
  const sum = (/** @type {(card: Card) => number} */ value) => cards.reduce((all, card) => all + value(card), 0);
  const known = cards.every((card) => card.load !== null);
  const load = known ? Math.round(sum((card) => card.load ?? 0) / cards.length) : null;
  return { used: sum((card) => card.used), total: sum((card) => card.total), load };
}
