/** What methods of spans have in common as methods. */
import type { MethodLaws } from "../define-method.js";
import type { MethodNeeds } from "../needs.js";

/** Members write, and read what others wrote, without saying it. */
export const SPAN_NEEDS: MethodNeeds = { logits: true, verify: true, goingBack: true };

/** Laws of distributions that a choice among whole texts cannot keep. */
export const SPAN_EXEMPT = {
  agreement: "a span is chosen for good, so that its entries have no probabilities of their own",
} as const satisfies MethodLaws<unknown>["exempt"];

export const REQUIRES = "Any vocabularies; members that read texts that may come.";
