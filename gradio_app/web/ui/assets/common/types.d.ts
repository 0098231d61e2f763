// Wire forms of the server's answers (gradio_app/api/models.py), and types that several panes share. Global.

type Status =
  | "pending" | "queued" | "processing" | "cancelling" | "completed" | "partial" | "failed" | "cancelled";
type EngineStatus =
  | "stopped" | "starting" | "ready" | "draining" | "asleep" | "waking" | "stopping" | "failed";
type Counts = Partial<Record<Status, number>>;

interface ErrorBody {
  code: string;
  message: string;
  retryable: boolean;
}

/** A remark on a result; no pages: the whole document. */
interface TaskNote {
  code: string;
  pages: string;
  message: string;
}

interface Task {
  id: string;
  seq: number;
  name: string;
  owner: string;
  mine: boolean;
  status: Status;
  kind: string;
  tier: string;
  page_range: string;
  ocr_mode: string;
  priority: number;
  source_pages: number;
  pages_total: number;
  pages_done: number;
  pages_failed: number;
  position: number | null;
  eta_seconds: number | null;
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
  attempt: number;
  error: ErrorBody | null;
  notes: TaskNote[];
  receipt: { cached: boolean; failed_pages: string; output_sha256: string | null } | null;
  folder: string;
  parent: string;
  redo_of: string;
  redo_page: number;
  redone: string;
  rev: number;
  /** In lists by words: pages whose text has them. */
  hits?: TextHit[];
  /** When it came, by the clock of this machine. Not from the server. */
  seen?: number;
}

/** A page on which words are: a line of it, and where they begin and end there, in characters of Unicode. */
interface TextHit {
  page: number;
  line: string;
  marks: [number, number][];
}

interface Queue {
  status: "running" | "paused" | "draining";
  notice: ErrorBody | null;
  problems: string[];
  counts: Counts;
  eta_seconds: number;
  workers: number;
  engine: Partial<Engine>;
  limits: { max_file_size: number };
  user: { name: string; admin: boolean };
}

interface TaskList {
  rev: number;
  tasks: Task[];
  next: string | null;
  counts: Counts;
  complete: boolean;
}

/** What is newer than a revision. */
interface Delta {
  rev: number;
  tasks: Task[];
  deleted: string[];
  reset?: boolean;
  places: Record<string, [number, number | null]>;
  queue: Queue;
}

interface LinkList {
  links: { id: string; until: number }[];
}

interface Block {
  id: string;
  type: string;
  bbox: number[] | null;
  markdown: string;
  auxiliary: boolean;
  /** What was read, where it was corrected. */
  original?: string;
}

interface EditableCell {
  text: string;
  rows: number;
  columns: number;
  head: boolean;
  fixed: boolean;
}

/** A block as it is corrected; null: it has no such thing. */
interface EditableBlock {
  type: string;
  rev: number;
  text: string | null;
  level: number | null;
  cells: EditableCell[][] | null;
  original: object | null;
}

/** What of a block is corrected. */
interface Change {
  text?: string;
  level?: number;
  cells?: { row: number; cell: number; text: string }[];
}

interface Page {
  page: number;
  width: number | null;
  height: number | null;
  markdown: string;
  blocks: Block[];
  /** Corrections that no longer fit, as the page was read again. */
  set_aside?: { original: string; markdown: string }[];
}

interface Hit {
  page: number;
  block: string;
  nth: number;
  before: string;
  match: string;
  after: string;
}

interface ModelServer {
  name: string;
  kind: "sglang" | "remote" | "none";
  status: EngineStatus;
  since: number;
  in_flight: number;
  waiting: number;
  model: string;
  version: string;
  profile: string;
  why: string[];
  notice: string | null;
  error: ErrorBody | null;
  sleeps_in: number | null;
  stops_in: number | null;
  counts: Record<"starts" | "sleeps" | "wakes" | "stops" | "crashes", number>;
  cards: string[];
  can: Record<string, boolean>;
}

/** `/gpu/status` sends all of it. The queue sends kind, status, in_flight and a little more. */
interface Engine extends Partial<ModelServer> {
  kind: ModelServer["kind"];
  reader?: string;
  status: EngineStatus;
  in_flight: number;
  tokens?: number;
  servers?: ModelServer[];
}

interface CardProcess {
  pid: number;
  name: string;
  memory: number | null;
  ours: boolean;
}

interface Card {
  index: number;
  uuid: string;
  name: string;
  total: number;
  used: number;
  free: number;
  load: number | null;
  temperature: number | null;
  chosen: boolean;
  processes: CardProcess[];
}

/** Unix seconds, bytes in use, load in percent, status of the engine. */
type Sample = [number, number | null, number | null, EngineStatus];

interface Gpu {
  cards: Card[];
  history: Sample[];
  driver: string;
}

interface Machine {
  id: string;
  name: string;
  address: string;
  status: "joining" | "ready" | "refused" | "lost";
  why: string;
  since: number | null;
  slots: { compute?: number; vision?: number };
  busy: { compute: number; vision: number };
  pages: number;
  cards: { name: string }[];
}

interface Cluster {
  address: string;
  error: string;
  machines: Machine[];
}

interface TaskHour {
  hour: number;
  tier: string;
  status: Status;
  tasks: number;
  pages: number;
  waited: number;
}

interface EngineHour {
  hour: number;
  status: EngineStatus;
  seconds: number;
  used: number | null;
  total: number | null;
}

interface UsageHistory {
  hour: number;
  tasks: TaskHour[];
  engine: EngineHour[];
}

// ---- shared by panes

/** A file on its way to the server; it has no task yet. */
interface Upload {
  id: string;
  file: File;
  path: string;
  options: Record<string, string>;
  key: string;
  phase: "waiting" | "sending" | "saving" | "failed";
  /** Share that is sent, from 0 to 1. */
  sent: number;
  error: ErrorBody | null;
  first: boolean;
  request?: XMLHttpRequest;
}

type Connection = "starting" | "online" | "offline" | "signed-out";
type Language = "en" | "zh";
type Translation = string | ((...values: any[]) => string);
type Texts = Record<string, [Translation, Translation]>;

interface TaskChange {
  task: Task;
  before?: Task | null;
}

/** What is announced, and what comes with it. */
interface Topics {
  task: TaskChange;
  /** Id of a task that is gone. */
  gone: string;
  /** Id of a task whose row is to be brought into view. */
  reveal: string;
  /** A page that is to be opened with these texts lit. */
  find: { task: string; page: number; texts: string[] };
  /** Id of a block whose box was chosen. */
  "box-chosen": string;
  tasks: undefined;
  counts: undefined;
  view: undefined;
  "view-asked": undefined;
  picks: undefined;
  uploads: undefined;
  queue: undefined;
  engine: undefined;
  gpu: undefined;
  "open-intake": undefined;
  "open-engine": undefined;
  "open-overview": undefined;
  /** Options by name, for commands of other programs. */
  "open-code": Record<string, string>;
  selected: undefined;
  panes: undefined;
  /** Somebody wants to go past the bar, to the list. */
  skip: undefined;
  page: undefined;
  connection: undefined;
  language: undefined;
  sheet: undefined;
  tick: undefined;
}

interface SharedState {
  tasks: Map<string, Task>;
  uploads: Map<string, Upload>;
  queue: Queue | null;
  /** State in a word; all of it once /gpu/status was asked. */
  engine: Engine | null;
  /** `seen` is when it came, by the clock of this machine. */
  gpu: (Gpu & { seen: number }) | null;
  /** Id of the task in the reader. */
  selected: string | null;
  /** Page that the reader shows. */
  page: number | null;
  /** Documents that the list's search finds, by status. */
  counts: Counts;
  /** Documents of this user, by status. */
  mine: Counts;
  /** Whether the first rows have come. */
  loaded: boolean;
  connection: Connection;
  language: Language;
  /** Server's clock minus ours, in milliseconds. */
  skew: number;
}

/** Nodes of a frame by the names in `data-part`. */
type Parts<Name extends string> = Record<Name, HTMLElement>;

/** What a scrubber reads out: how many points, which one is at a pixel, and what follows a change. */
interface Drawing {
  count: () => number;
  indexAt: (left: number) => number;
  moved: () => void;
  resized: () => void;
}

/** Words for a machine or a model server. `condition` is that of an engine in a like state, for the lamp. */
interface ServerWords {
  condition: string;
  name: string;
  state: string;
  work: string;
  where: string;
  why: string;
  lang?: string;
}

interface PanelParts {
  dialog: HTMLDialogElement;
  close: HTMLElement;
  body: HTMLElement;
}
