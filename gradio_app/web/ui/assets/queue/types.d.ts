// Types of the list of documents. Global.

type Kind = "all" | "running" | "waiting" | "done" | "failed" | "cancelled";

/** What is asked for; "state" groups by what happens to a document. */
interface View {
  mine: boolean;
  kind: Kind;
  words: string;
  sort: string;
}

/** Some of the documents, in an order of the server. */
interface Section {
  name: string;
  statuses: Set<string>;
  sort: string;
  compare: (a: Task, b: Task) => number;
  ids: string[];
  /** Cursor of the next page; null: there is none. */
  next: string | null;
  few: number;
  loading: Promise<TaskList> | null;
  stale: boolean;
}

interface Row {
  node: HTMLElement;
  readonly isActive: boolean;
  update(force?: boolean): void;
}

/** Rows of a list that stand together: in the document, or as a box of their height. */
interface Chunk {
  node: HTMLElement;
  at: number;
  near: boolean;
  filled: boolean;
  own: Set<string>;
}

/** Rows of a list: the id of its title, a row by its id, and what is called when a row leaves the document. */
interface ListRows {
  label: string;
  rowOf: (id: string) => Row | null;
  forget: (id: string) => void;
}

interface List {
  node: HTMLElement;
  /** Scrolls so that a row is seen, if it is one of these. */
  reveal(id: string): void;
  draw(next: string[]): void;
  /** To be called when all lists are drawn: by then a row has gone to its new list. */
  sweep(): void;
}

interface Group {
  section: HTMLElement;
  list: List;
  count: HTMLElement;
  more: HTMLElement;
}

/** Nodes of a document's row. */
interface RowParts
  extends Parts<
    "node" | "icon" | "folder" | "base" | "tier" | "state" | "detail" | "owner" | "when" | "bar" | "done" | "time" | "error" | "note" | "hits"
  > {
  name: HTMLAnchorElement;
  tick: HTMLInputElement;
  cancel: HTMLButtonElement;
  retry: HTMLButtonElement;
  download: HTMLButtonElement;
  remove: HTMLButtonElement;
}

interface TaskIds {
  ids: Record<string, string[]>;
  /** There are more than are sent. */
  more: boolean;
}

interface Refusal {
  id: string;
  error: ErrorBody;
}

interface BulkAnswer {
  done: number;
  ids: string[];
  failed: Refusal[];
}

interface QueueState {
  part: Parts<
    | "tools" | "kinds" | "body" | "loading" | "empty" | "groups" | "partial" | "nomatch" | "clear" | "sentinel" | "picks"
    | "fold" | "picks-text" | "picks-all" | "picks-clear"
  > &
    Record<"whose" | "sort", HTMLSelectElement> & { search: HTMLInputElement; row: HTMLTemplateElement };
  /** By the id of a task or an upload. */
  rows: Map<string, Row>;
  groups: Map<string, Group>;
  view: View;
  sections: Section[];
  /** What the text of documents has of the words that were searched for, by id. */
  hits: Map<string, TextHit[]>;
  /** Texts are still made ready: more may be found. */
  partial: boolean;
  /** Of asking; answers of an earlier one are dropped. */
  round: number;
  countedAt: number;
  /** Timer of the next counting. */
  counting: number | null;
  /** Timer while somebody types. */
  typing: number;
  /** For something: the number of results is to be said. */
  asked: boolean;
  /** Statuses of the documents that are picked, as far as they are known, by id. */
  picks: Map<string, string>;
  /** Where a run begins that is ended with shift. */
  anchor: string;
  /** What is being done with picked documents, in words. */
  busy: string;
  /** Id of the row that the Tab key reaches; arrows lead to the others. */
  stop: string;
}
