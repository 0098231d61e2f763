// Types of the overview. Global.

interface Series {
  key: string;
  name: () => string;
}

interface Bucket {
  label: string;
  tick: string;
  values: Record<string, number>;
}

interface BarWords {
  /** A value in words. */
  say: (value: number) => string;
  /** Shorter, for the scale. */
  scale?: (value: number) => string;
  /** Where the scale ends. */
  upTo?: (most: number) => number;
}

interface Bars {
  node: HTMLElement;
  update(next: Bucket[]): void;
}

/** An hour or a day; `key` says which rows belong to it. */
interface Span {
  key: string | number;
  label: string;
  tick: string;
  pages: Record<string, number>;
  ends: Counts;
  engine: Partial<Record<EngineStatus, number>>;
  tasks: number;
  waited: number;
  used: number;
  total: number;
}

interface OverviewState {
  part: PanelParts &
    Parts<
      | "figures" | "trouble" | "machines-section" | "machines" | "cluster-trouble" | "pages" | "ends" | "waited"
      | "engine-section" | "engine" | "memory"
    >;
  bars: Record<"pages" | "ends" | "waited" | "engine", Bars>;
  /** Buttons that choose the span. */
  spans: HTMLElement[];
  span: "hours" | "days";
  found: UsageHistory | null;
  /** The machines that read together, if there are several. */
  cluster: Cluster | null;
}
