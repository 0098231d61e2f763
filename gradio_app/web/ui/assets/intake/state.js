// State of the intake and its uploads.

/** @type {IntakeState} */
export const pane = {
  part: Object.create(null),
  options: Object.create(null),
  depth: 0,
  sending: 0,
  counter: 0,
};
