// Client of the REST API. Addresses are relative to this file, so that they hold behind a path prefix.

import { setConnection, state } from "./hub.js";

const ROOT = new URL("../../", import.meta.url);
const CODES = /** @type {Record<number, string>} */ ({ 401: "unauthorized", 404: "not_found", 413: "file_too_large" });

export const address = (/** @type {string} */ path) => new URL(path, ROOT).href;

/** Path of a task in the API. @param {string} id */
export const taskPath = (id, rest = "") => `api/v1/tasks/${encodeURIComponent(id)}${rest}`;

export const taskAddress = (/** @type {string} */ id, rest = "") => address(taskPath(id, rest));

export class Problem extends Error {
  constructor(/** @type {ErrorBody} */ { code, message, retryable }, status = 0) {
    super(message);
    this.code = code;
    this.retryable = retryable;
    this.status = status;
  }
}

export const codeOf = (/** @type {unknown} */ error) => (error instanceof Problem ? error.code : "");

/** @param {unknown} error */
export const isAborted = (error) => error instanceof DOMException && error.name === "AbortError";

export function problemOf(/** @type {number} */ status, /** @type {{ error?: ErrorBody } | null} */ body) {
  const error = body?.error;
  if (error?.code) return new Problem(error, status);
  const code = CODES[status] ?? "internal_error";
  return new Problem({ code, message: `The server answered ${status}.`, retryable: status >= 500 }, status);
}

/**
 * JSON (or text) of an answer, null for 204. Raises Problem; its code is "network" when the server cannot be reached.
 * @param {string} path @param {{ method?: string, json?: object, signal?: AbortSignal, as?: "json" | "text" }} options
 * @returns {Promise<any>}
 */
export async function call(path, { method = "GET", json, signal, as = "json" } = {}) {
  const headers = { Accept: "application/json", ...(json && { "Content-Type": "application/json" }) };
  let response;
  try {
    response = await fetch(address(path), { method, signal, headers, body: json && JSON.stringify(json) });
  } catch (error) {
    if (isAborted(error)) throw error;
    setConnection("offline");
    throw new Problem({ code: "network", message: "The server cannot be reached.", retryable: true });
  }
  setConnection(response.status === 401 ? "signed-out" : "online");
  const date = Date.parse(response.headers.get("date") ?? "");
  // the header has whole seconds: only a larger difference means anything
  if (date && Math.abs(date + 500 - Date.now()) > 2000) state.skew = date + 500 - Date.now();
  if (response.status === 204) return null;
  const body = await response[response.ok ? as : "json"]().catch(() => null);
  if (!response.ok) throw problemOf(response.status, body);
  return body;
}

/** @param {string} path @param {object} [json] */
export const post = (path, json) => call(path, { method: "POST", json });
