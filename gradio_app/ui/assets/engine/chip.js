// The engine in the bar: its state and the card's memory, in a button that opens the panel.

import { el, setLabel, setText, show } from "../common/dom.js";
import { chosenCards, condition, title } from "./words.js";
import { gigabytes, join } from "../common/format.js";
import { on, state, tell } from "../common/hub.js";
import { t } from "../common/language.js";

const LAMP = el("span", { class: "mo-lamp", "aria-hidden": "true" });
const NAME = el("span", { class: "mo-chip-name" });
const WORDS = el("span", { class: "mo-chip-words" });
const MEMORY = el("span", { class: "mo-chip-memory" });

export function startChip(button) {
  button.append(LAMP, NAME, WORDS, MEMORY);
  button.onclick = () => tell("open-engine");
  for (const topic of ["engine", "gpu", "language"]) on(topic, () => draw(button));
}

function draw(button) {
  const { engine } = state;
  show(button, Boolean(engine));
  if (!engine) return;
  const none = engine.kind === "none";
  const card = engine.kind === "sglang" ? chosenCards() : null;
  const memory = card ? t("engine.chip.memory", gigabytes(card.used), gigabytes(card.total)) : "";
  const words = none ? t("engine.chip.none") : title(engine);
  button.dataset.engine = condition(engine);
  setText(NAME, none ? "" : t("engine.title"));
  show(NAME, !none);
  setText(WORDS, words);
  setText(MEMORY, memory);
  show(MEMORY, Boolean(memory));
  setLabel(button, t("engine.open", join(none ? words : t("engine.chip", words), memory)));
}
