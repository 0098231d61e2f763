// Types of the reader. Global.

type ReaderView = "text" | "raw" | "json" | "picture";

/** Text of a page as Gradio's Markdown gets it. */
interface Prepared {
  text: string;
  /** Whether its end was left out. */
  cut: boolean;
  /** How all marks of this text begin. */
  mark: string;
  /** The mark at which the text of a block begins, by the id of the block. */
  marks: Map<string, string>;
}

/** A place in the document: a page, and how far into it. */
interface Place {
  page: number;
  share: number;
}

interface Anchor extends Place {
  pixels: number | null;
}

interface StackParts {
  /** What scrolls where the panes scroll by themselves. */
  node: HTMLElement;
  /** What holds the pages. */
  column: HTMLElement;
  /** The height of a page, as far as is known. */
  height: (page: number) => number;
  open: (page: number) => HTMLElement;
  close: (page: number) => void;
  /** Somebody scrolled. */
  moved: (gliding: boolean) => void;
  resized: () => void;
}

type Stack = import("./stack.js").Stack;

/** A place for the text of one page, which goes from page to page with its Markdown. */
interface FlowCell {
  /** Null: it is free. */
  page: number | null;
  node: HTMLElement;
  number: HTMLElement;
  side: HTMLElement;
  /** Gradio's Markdown. */
  slot: HTMLElement;
  pre: HTMLElement;
  lack: HTMLElement;
  /** What the Markdown was given. */
  text: string;
  record: Page | null;
  prepared: Prepared | null;
  /** Whether its text is to be given to the Markdown. */
  due: boolean;
  /** Whether the Markdown shows it. */
  fresh: boolean;
}

interface Paper {
  node: HTMLElement;
  image: HTMLImageElement;
  caption: HTMLElement;
  /** The record whose boxes are shown. */
  boxed: Page | null;
  boxes: HTMLElement | null;
  timer: number;
}

/** What is said where there is no text. */
interface Note {
  icon: string;
  title: string;
  hint?: string;
  canRetry?: boolean;
  /** Whether other options may help. */
  canVary?: boolean;
  /** Id of the document, where a password may open it. */
  locked?: string;
}

/** A block that is to be corrected. */
interface EditedBlock {
  task: Task;
  id: string;
  /** Row and cell that the focus goes to. */
  cell: string;
  /** What was read, as Markdown; null: it was not corrected. */
  original: string | null;
  /** Corrections of its page that no longer fit. */
  aside: { markdown: string }[];
}

interface StripCell {
  node: HTMLElement;
  picture: HTMLImageElement;
  asked: boolean;
  /** Ends the loading; null: nothing is loading. */
  done: (() => void) | null;
}

interface ReaderState {
  part: Parts<
    | "list" | "divider" | "title" | "sub" | "tools" | "link" | "download" | "close" | "bar" | "strip-switch" | "beside" | "pager"
    | "of" | "search-open" | "copy" | "copy-all" | "keys" | "search" | "search-count" | "search-close" | "hits"
    | "again" | "again-words" | "strip" | "strip-all" | "boxes-switch" | "zoom-width" | "zoom-page"
    | "zoom-actual" | "scroll" | "papers" | "column" | "new" | "side-new" | "raw-new"
    | "notes" | "notes-sum" | "notes-list" | "note" | "note-icon" | "note-title" | "note-hint" | "keys-close"
  > &
    Record<"number" | "search-input" | "note-password", HTMLInputElement> &
    Record<"previous" | "next" | "search-previous" | "search-next" | "again-keep" | "again-drop" | "redo", HTMLButtonElement> &
    Record<"zoom-out" | "zoom-in" | "note-retry" | "note-with", HTMLButtonElement> & {
      "keys-sheet": HTMLDialogElement;
    };
  /** Whether the sheet's frame is there. */
  ready: boolean;
  tabs: HTMLElement[];
  /** Has Gradio write `currentTexts()`. */
  renderText: () => void;
  view: ReaderView;
  beside: boolean;
  /** The view that is seen: without pictures it is not the wanted one. */
  actual: ReaderView;
  /** Id of the document that is open. */
  document: string | null;
  /** Id of the block whose text is to be shown as soon as it is there. */
  chosen: string | null;
  /** The record of a page has come. */
  arrived: (page: number, problem: unknown) => void;
  /** The text of a page is written. */
  linked: (page: number) => void;
  /** There are other pages in view. */
  opened: () => void;
  /** Pages prepared so far, for their marks. */
  prepared: number;

  records: {
    task: Task | null;
    known: Map<number, Page | null>;
    loading: Map<number, AbortController>;
    /** Pages in view, the most urgent first. */
    wanted: number[];
    timer: number;
    /** Pages whose record may be another one by now. */
    stale: Set<number>;
  };

  flow: {
    stack: Stack | null;
    cells: FlowCell[];
    /** Of pages that were seen. */
    heights: Map<number, number>;
    /** Height of pages that were not. */
    usual: number;
    /** Whether the height of what is read was known before others changed. */
    known: boolean;
    /** The cell whose text is being rendered. */
    writing: FlowCell | null;
    timer: number;
  };

  // ---- boxes over the picture, and pieces of the text
  /** Buttons by the id of a block. */
  boxes: Map<string, HTMLElement>;
  /** Elements of the text by the id of a block. */
  pieces: Map<string, Element[]>;
  /** Ids of blocks by an element of the text. */
  owners: WeakMap<Element, string>;
  /** Id of the block that is lit. */
  lit: string | null;
  // ---- a page that is read again
  /** The document whose second readings were asked for. */
  asked: string | null;
  /** The page whose second reading is shown or asked for. */
  compared: { task: Task; page: number; view: ReaderView } | null;
  /** The second reading that is shown. */
  other: { id: string | null; record: Page | null; text: string };

  search: {
    hits: Hit[];
    more: boolean;
    /** Texts that are lit beside the words, as the list of documents has found them. */
    also: string[];
    /** The page that was asked for along with them. */
    wanted: number | null;
    /** Index of the hit that was gone to. */
    at: number;
    /** Whether the hit has to be brought into view as soon as its page is there. */
    pending: boolean;
    request: AbortController | null;
    timer: number;
  };

  picture: {
    stack: Stack | null;
    /** "width", "page", or percent. */
    zoom: "width" | "page" | number;
    /** For a page, in pixels. */
    room: { width: number; height: number };
    /** Of pages, in points. */
    sizes: Map<number, { width: number; height: number }>;
    /** The pages in view. */
    papers: Map<number, Paper>;
  };

  strip: {
    /** Id of its document. */
    task: string | null;
    numbers: number[];
    /** What there is to know of a page. */
    marks: Map<number, string>;
    current: number | null;
    cells: Map<number, StripCell>;
    timer: number;
    /** Pictures that are loading. */
    loading: number;
  };
}
