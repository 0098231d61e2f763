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

/** What lies on the desk; `key` is its task and page. */
interface Shown {
  key: string | null;
  record: Page | null;
  text: string;
  mark: string | null;
  marks: Map<string, string>;
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
    | "again" | "again-words" | "banner" | "strip" | "strip-all" | "boxes-switch" | "zoom-width" | "zoom-page"
    | "zoom-actual" | "scroll" | "paper" | "boxes" | "caption" | "side-now" | "side-new" | "raw" | "raw-new" | "json"
    | "notes" | "notes-sum" | "notes-list" | "note" | "note-icon" | "note-title" | "note-hint" | "keys-close"
  > &
    Record<"number" | "search-input" | "note-password", HTMLInputElement> &
    Record<"previous" | "next" | "search-previous" | "search-next" | "again-keep" | "again-drop" | "redo", HTMLButtonElement> &
    Record<"zoom-out" | "zoom-in" | "note-retry" | "note-with", HTMLButtonElement> & {
      picture: HTMLImageElement;
      "keys-sheet": HTMLDialogElement;
    };
  /** Whether the sheet's frame is there. */
  ready: boolean;
  tabs: HTMLElement[];
  /** Has Gradio write `currentTexts()`. */
  renderText: () => void;
  view: ReaderView;
  beside: boolean;
  shown: Shown;
  /** Whether it was turned to another page, which is read from its top. */
  turned: boolean;
  loading: AbortController | null;
  /** The record whose Markdown and JSON are shown. */
  source: Page | null;
  /** Pages prepared so far, for their marks. */
  prepared: number;

  // ---- boxes over the picture, and pieces of the text
  /** Buttons by the id of a block. */
  boxes: Map<string, HTMLElement>;
  /** Elements of the text by the id of a block. */
  pieces: Map<string, Element[]>;
  /** Ids of blocks by an element of the text. */
  owners: WeakMap<Element, string>;
  /** Id of the block that is lit. */
  lit: string | null;
  /** The record whose boxes are shown. */
  boxed: Page | null;

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
    timer: number;
    /** "width", "page", or percent. */
    zoom: "width" | "page" | number;
    /** Of the page, in points. */
    size: { width: number; height: number };
    wanted: { task: string; page: number } | null;
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
