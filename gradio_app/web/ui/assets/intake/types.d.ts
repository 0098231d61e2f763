// Types of the intake. Global.

/** A file with the folders that it lay in. */
interface Found {
  file: File;
  path: string;
}

interface Collected {
  files: Found[];
  /** Files that are no documents. */
  skipped: number;
}

/** Nodes of an upload's row. */
type UploadParts = Parts<
  "node" | "icon" | "name" | "folder" | "base" | "state" | "bar" | "done" | "again" | "dismiss" | "error"
>;

interface IntakeState {
  part: Parts<"title" | "files" | "folder" | "example" | "note" | "curtain" | "use"> &
    Record<"pick-files" | "pick-folder", HTMLInputElement> & { row: HTMLTemplateElement };
  options: { tier: HTMLSelectElement; page_range: HTMLInputElement; ocr_mode: HTMLSelectElement };
  /** Elements that the drag has entered and not left. */
  depth: number;
  /** Uploads that are being sent. */
  sending: number;
  /** Uploads so far, for their ids. */
  counter: number;
}
