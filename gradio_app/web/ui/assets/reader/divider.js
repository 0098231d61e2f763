// Divider between the picture of a page and its text: dragged or moved with arrows, and remembered.

import { targetOf } from "../common/dom.js";
import { remember, remembered } from "../common/language.js";
import { desk, pane } from "./state.js";

const { part } = pane;

const DIVIDED = "mineru.divided";
const USUAL = 46;
const [LEAST, MOST] = [25, 75];

export function startDivider() {
  const { divider } = part;
  divider.onpointerdown = (event) => {
    event.preventDefault();
    divider.setPointerCapture(event.pointerId);
    divider.classList.add("mo-dragged");
  };
  divider.onpointermove = (event) => divider.hasPointerCapture(event.pointerId) && set(shareAt(event.clientX));
  divider.onlostpointercapture = () => divider.classList.remove("mo-dragged");
  divider.ondblclick = () => set(USUAL);
  divider.onkeydown = (event) => {
    const to = targetOf(event, share(), MOST + 1, "ArrowLeft", "ArrowRight");
    if (to === undefined) return;
    event.preventDefault();
    set(to);
  };
  set(share());
}

const share = () => Number(remembered(DIVIDED)) || USUAL;

/** Percent of the room of both halves. @param {number} x */
function shareAt(x) {
  const { left } = /** @type {HTMLElement} */ (part.scroll.parentElement).getBoundingClientRect();
  const { right } = desk().getBoundingClientRect();
  return Math.round((100 * (x - left)) / (right - left));
}

function set(/** @type {number} */ wanted) {
  const percent = Math.min(MOST, Math.max(LEAST, wanted));
  desk().style.setProperty("--mo-left", `${percent}fr`);
  desk().style.setProperty("--mo-rest", `${100 - percent}fr`);
  part.divider.setAttribute("aria-valuenow", String(percent));
  remember(DIVIDED, percent === USUAL ? null : String(percent));
}
