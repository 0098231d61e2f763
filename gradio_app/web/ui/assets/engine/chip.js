// Engine chip in the bar: state and memory of the card, in a button that opens the panel.

import { setLabel, setText, show } from "../common/dom.js";
import { gigabytes, join } from "../common/format.js";
import { emit, on, state } from "../common/hub.js";
import { t } from "../common/language.js";
import { chosenCards, condition, title } from "./words.js";

export function startChip(/** @type {HTMLElement} */ button) {
  button.onclick = () => emit("open-engine");
  on("engine", () => draw(button));
  on("gpu", () => draw(button));
  on("language", () => draw(button));
}

function draw(/** @type {HTMLElement} */ button) {
  const [, name, words, memory] = /** @type {HTMLElement[]} */ ([...button.children]);
  const { engine } = state;
  show(button, Boolean(engine));
  if (!engine) return;
  const none = engine.kind === "none";
  const card = engine.kind === "sglang" ? chosenCards() : null;
  const used = card ? t("engine.chip.memory", gigabytes(card.used), gigabytes(card.total)) : "";
  const status = none ? t("engine.chip.none") : title(engine);
  button.dataset.engine = condition(engine);
  setText(name, none ? "" : t("engine.title"));
  show(name, !none);
  setText(words, status);
  setText(memory, used);
  show(memory, Boolean(used));
  setLabel(button, t("engine.open", join(none ? status : t("engine.chip", status), used)));
}
