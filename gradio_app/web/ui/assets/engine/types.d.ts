// Types of the engine pane. Global.

/** Stretch of time that a plot shows, with its samples, oldest first; times in Unix seconds. */
interface PlotWindow {
  samples: Sample[];
  /** Bytes of the card. */
  total: number;
  from: number;
  to: number;
  /** Pixels of the drawing. */
  width: number;
}

interface Plot {
  node: HTMLElement;
  update(samples: Sample[], total: number, now: number): void;
}

interface EngineState {
  part: PanelParts &
    Parts<
      | "now" | "state" | "meaning" | "trouble" | "notice" | "address" | "url" | "actions" | "hint" | "pause"
      | "servers-section" | "servers" | "cards-section" | "cards-title" | "cards" | "plot-section" | "plot"
      | "work-section" | "figures" | "counts" | "setup-section" | "facts" | "why"
    >;
  /** Buttons that give memory back. */
  buttons: HTMLElement[];
  plot: Plot | null;
  /** Whether an answer is awaited. */
  asking: boolean;
  askedAt: number;
  /** Status of the engine when it was asked. */
  askedStatus: EngineStatus | undefined;
  /** What was asked for and is not done yet: the action, and how many ends of servers make it done. */
  wish: { name: string; enough: number } | null;
  drawnCards: string;
  drawnServers: string;
}
