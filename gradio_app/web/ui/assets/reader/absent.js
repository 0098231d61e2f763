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
    // a locked or broken file stays so; missing models can be installed meanwhile
    const worthIt = now.error?.retryable || ["models_missing", "file_without_text"].includes(now.error?.code ?? "");
    return { icon: "failed", title: t("reader.failed"), hint: explain(now.error), canRetry: worthIt };
  }
  if (now.status === "cancelled") {
    return { icon: "cancelled", title: t("reader.cancelled"), hint: t("reader.cancelled.hint"), canRetry };
  }
  return { icon: "failed", title: t("reader.failedpage", state.page), hint: t("reader.failedpage.hint"), canRetry };
}
