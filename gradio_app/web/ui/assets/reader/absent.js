// Note for a page that has no text to show.

import { isActive, worthRetry } from "../common/hub.js";
import { explain, t } from "../common/language.js";

/** @param {Task} now @param {number | null} page @returns {Note} */
export function absent(now, page) {
  const canRetry = worthRetry(now);
  if (isActive(now)) {
    if (now.status !== "processing" || !now.pages_total) {
      return { icon: "queued", title: t("reader.waiting"), hint: t("reader.waiting.hint") };
    }
    return { icon: "queued", title: t("reader.pending", page), hint: t("reader.pending.hint") };
  }
  if (now.status === "failed") {
    const code = now.error?.code ?? "";
    const locked = ["file_encrypted", "password_wrong"].includes(code) ? now.id : "";
    const canVary = canRetry || code === "page_range_invalid";
    return { icon: "failed", title: t("reader.failed"), hint: explain(now.error), canRetry, canVary, locked };
  }
  if (now.status === "cancelled") {
    return { icon: "cancelled", title: t("reader.cancelled"), hint: t("reader.cancelled.hint"), canRetry, canVary: true };
  }
  return { icon: "failed", title: t("reader.failedpage", page), hint: t("reader.failedpage.hint"), canRetry, canVary: true };
}
