// Types of the dialog with commands for other programs. Global.

type Way = "curl" | "python" | "gradio" | "mcp" | "tools";

/** What commands are made of: the server's address, the options that are not the usual ones, and whether it asks for a key. */
interface CodeContext {
  server: string;
  options: [string, string][];
  key: boolean;
}

/** Something to copy. `title` and `hint` are keys of texts; a name of a program stands for itself. */
interface Command {
  title: string;
  hint?: string;
  text: string;
}

/** Nodes of a command. */
type CommandParts = Parts<"node" | "title" | "copy" | "hint" | "text">;

interface CodeState {
  part: PanelParts & Parts<"tabs" | "options" | "key" | "panel"> & { block: HTMLTemplateElement };
  tabs: HTMLElement[];
  way: Way;
  /** Options of the next documents, as they were when the dialog was opened. */
  chosen: Record<string, string>;
}
