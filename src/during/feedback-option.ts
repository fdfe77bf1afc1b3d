/** The option `feedback` of methods and alignments that give strings back to the members. */
import { z } from "zod";

/** What each choice means. */
export const FEEDBACK_TEXT =
  '"text": the whole text is tokenised anew, canonically; "piece": the string is tokenised on its own.';

export const feedbackChoice = z.enum(["text", "piece"]);
