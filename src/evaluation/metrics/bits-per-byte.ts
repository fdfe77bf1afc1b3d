import { LlamafuseError } from "../../errors.js";

/**
 * How well a model predicts a text, comparable between vocabularies: −Σ ln p / (ln 2 · bytes), in bits per byte.
 * `logLikelihood` (nats) is the sum over all tokens of the text, `bytes` its length in UTF-8.
 *
 * LlamafuseError "invalid-option" for a text of no bytes, "invalid-logits" for a log-likelihood that is NaN or above 0.
 */
export function bitsPerByte(logLikelihood: number, bytes: number): number {
  if (!(bytes > 0)) {
    throw new LlamafuseError(
      "invalid-option",
      `Bits per byte of a text of ${bytes} bytes; give a text that has some.`,
      {
        option: "bytes",
        found: bytes,
        allowed: "a number above 0",
      },
    );
  }
  if (!(logLikelihood <= 0)) {
    throw new LlamafuseError(
      "invalid-logits",
      `The log-likelihood of a text is ${logLikelihood}; it must be at most 0.`,
      {
        found: String(logLikelihood),
        allowed: "at most 0",
      },
    );
  }
  return -logLikelihood / (Math.LN2 * bytes);
}
