// State of the engine pane.

/** @type {EngineState} */
export const pane = {
  part: Object.create(null),
  buttons: [],
  plot: null,
  asking: false,
  askedAt: 0,
  askedStatus: undefined,
  wish: null,
  drawnCards: "",
  drawnServers: "",
};
