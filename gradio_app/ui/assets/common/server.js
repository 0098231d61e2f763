// Talks to REST. Addresses are relative to this file, so that they hold behind a path prefix.

import { setConnection, state } from "./hub.js";

const ROOT = new URL("../../", import.meta.url);

export const address = (path) => new URL(path, ROOT).href;
export const taskAddress = (id, rest = "") => address(`api/v1/tasks/${encodeURIComponent(id)}${rest}`);

export class Problem extends Error {
  constructor({ code, message, retryable }, status = 0) {
    super(message);
    this.code = code;
    this.retryable = retryable;
    this.status = status;
  }
}

export function problemOf(status, body) {
  const error = body?.error;
  if (error?.code) return new Problem(error, status);
  const code = { 401: "unauthorized", 404: "not_found", 413: "file_too_large" }[status] ?? "internal_error";
  return new Problem({ code, message: `The server answered ${status}.`, retryable: status >= 500 }, status);
}

// JSON of an answer, null for 204. Raises Problem; its code is "network" when the server cannot be reached.
export async function call(path, { method = "GET", json, signal } = {}) {
  const headers = { Accept: "application/json", ...(json && { "Content-Type": "application/json" }) };
  let response;
  try {
    response = await fetch(address(path), { method, signal, headers, body: json && JSON.stringify(json) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    setConnection("offline");
    throw new Problem({ code: "network", message: "The server cannot be reached.", retryable: true });
  }
  setConnection(response.status === 401 ? "signed-out" : "online");
  const date = Date.parse(response.headers.get("date") ?? "");
  // the header has whole seconds: only a larger difference means anything
  if (date && Math.abs(date + 500 - Date.now()) > 2000) state.skew = date + 500 - Date.now();
  if (response.status === 204) return null;
  const body = await response.json().catch(() => null);
  if (!response.ok) throw problemOf(response.status, body);
  return body;
}

export const post = (path, json) => call(path, { method: "POST", json });
