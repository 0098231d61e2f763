// Note for a page that has no text to show.

import { isActive, RETRYABLE, state } from "../common/hub.js";
import { explain, t } from "../common/language.js";

/** @param {Task} now @returns {Note} */
export function absent(now) {
  const canRetry = RETRYABLE.has(now.status);
  if (isActive(now)) {
    if (now.status !== "processing" || !now.pages_total) {
      return { icon: "queued", title: t("reader.waiting"), hint: t("reader.waiting.hint") };
    }
    return { icon: "queued", title: t("reader.pending", state.page), hint: t("reader.pending.hint") };
  }
  if (now.status === "failed") {
    // a broken file stays so; a password can be given, and missing models be installed meanwhile
    const code = now.error?.code ?? "";
    const locked = ["file_encrypted", "password_wrong"].includes(code) ? now.id : "";
    const worthIt = Boolean(locked) || now.error?.retryable || ["models_missing", "file_without_text"].includes(code);
    return { icon: "failed", title: t("reader.failed"), hint: explain(now.error), canRetry: worthIt, locked };
  }
  if (now.status === "cancelled") {
    return { icon: "cancelled", title: t("reader.cancelled"), hint: t("reader.cancelled.hint"), canRetry };
  }
  return { icon: "failed", title: t("reader.failedpage", state.page), hint: t("reader.failedpage.hint"), canRetry };
}
