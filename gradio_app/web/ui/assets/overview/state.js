// State of the overview.

import { remembered } from "../common/language.js";

export const SPAN = "mineru.overview";

/** @type {OverviewState} */
export const pane = {
  part: Object.create(null),
  bars: Object.create(null),
  spans: [],
  span: remembered(SPAN) === "days" ? "days" : "hours",
  found: null,
  cluster: null,
};
