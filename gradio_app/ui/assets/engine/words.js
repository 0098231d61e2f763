// What the engine does, in words: its state, what that means, and what comes next.

import { duration } from "../common/format.js";
import { now, state } from "../common/hub.js";
import { explain, language, t } from "../common/language.js";
import { REASONS_ZH } from "./texts.js";

// What is shown as its state: no engine at all, or its status, told apart where it reads.
export function condition({ kind, status, in_flight: reading }) {
  if (kind === "none") return "none";
  return status === "ready" && reading > 0 ? "reading" : status;
}

export function title(engine) {
  const shown = condition(engine);
  const elsewhere = engine.kind === "remote" && (shown === "stopped" || shown === "failed");
  return t(elsewhere ? `engine.state.remote.${shown}` : `engine.state.${shown}`);
}

// What it means and what comes next. Times count on between two answers of the server.
export function meaning(engine) {
  const shown = condition(engine);
  const passed = now() - (engine.since ?? now());
  if (shown === "none" || shown === "stopping") return t(`engine.${shown}`);
  if (shown === "reading") return t("engine.reading", engine.in_flight);
  if (shown === "draining") return t("engine.draining", engine.in_flight);
  if (shown === "starting" || shown === "waking") return t(`engine.${shown}`, duration(passed));
  if (shown === "failed") return t(engine.waiting ? "engine.failed.waiting" : "engine.failed");
  if (engine.kind === "remote") return t(`engine.remote.${shown}`);
  if (shown === "ready") return t(...waits(engine));
  const stops = left(engine.stops_in);
  return shown === "asleep" && stops ? t("engine.asleep") + t("engine.asleep.stops", stops) : t(`engine.${shown}`);
}

function waits({ sleeps_in: sleeps, stops_in: stops }) {
  if (left(sleeps)) return ["engine.sleeps", left(sleeps)];
  return left(stops) ? ["engine.stops", left(stops)] : ["engine.stays"];
}

// Seconds that were left when the server answered, as words; empty when there is no such limit.
function left(seconds) {
  if (seconds === null || seconds === undefined) return "";
  return duration(seconds - (Date.now() - (state.gpu?.seen ?? Date.now())) / 1000);
}

// Why it failed, or why there is none: { text, original }. The original is what a translation left out.
export function trouble(engine) {
  if (engine.kind === "none") return inWords((engine.why ?? []).join(" "));
  if (!engine.error) return null;
  const text = explain(engine.error);
  return { text, original: text === engine.error.message ? "" : engine.error.message };
}

export function inWords(sentence) {
  if (!sentence) return null;
  const known = language() === "zh" && Object.keys(REASONS_ZH).find((start) => sentence.startsWith(start));
  return known ? { text: REASONS_ZH[known], original: sentence } : { text: sentence, original: "" };
}

// Where a server that runs elsewhere is: its sentence says it.
export const address = ({ why = [] }) => /https?:\/\/\S+?(?=[.,;]?(\s|$))/.exec(why.join(" "))?.[0] ?? "";

// The engine's cards as one: their memory together, their mean load. Null: there is none.
export function chosenCards() {
  const cards = (state.gpu?.cards ?? []).filter((card) => card.chosen);
  if (!cards.length) return null;
  const sum = (name) => cards.reduce((all, card) => all + card[name], 0);
  const told = cards.every((card) => card.load !== null);
  return { used: sum("used"), total: sum("total"), load: told ? Math.round(sum("load") / cards.length) : null };
}
