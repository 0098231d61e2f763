// State of the list of documents.

/** @type {QueueState} */
export const pane = {
  part: Object.create(null),
  rows: new Map(),
  groups: new Map(),
  view: { mine: false, kind: "all", words: "", sort: "state" },
  sections: [],
  hits: new Map(),
  partial: false,
  round: 0,
  countedAt: 0,
  counting: null,
  typing: 0,
  asked: false,
  picks: new Map(),
  anchor: "",
  busy: "",
  stop: "",
};

// The ids of the documents as the list shows them, from top to bottom.
export const shownIds = () => pane.sections.flatMap(({ ids }) => ids);
