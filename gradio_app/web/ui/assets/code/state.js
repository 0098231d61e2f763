// State of the dialog with commands for other programs.

/** @type {CodeState} */
export const pane = {
  part: Object.create(null),
  tabs: [],
  way: "curl",
  chosen: {},
};
