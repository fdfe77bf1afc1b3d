/**
 * How a model file is refused: one error that names the file, says what was found and what was allowed, and how to
 * cure it. Every check of this folder raises its errors here, so that all messages read alike.
 */
import { type ErrorCode, LlamafuseError } from "../../errors.js";

/** The cures that many findings share. */
export const Cure = {
  download: "Download the file again: it is damaged or incomplete.",
  convert: "Convert the model again with llama.cpp's convert_hf_to_gguf.py, or take another conversion of it.",
  update: "Take a conversion made for llama.cpp, or a newer version of Llamafuse.",
  generator: "Choose a model that writes text, for example a llama, qwen, gemma, phi or mistral conversion.",
} as const;

/** `model.gguf: <problem> <cure>`; `details.file` is the path, the rest are the values that the message speaks of. */
export function modelError(
  code: Extract<ErrorCode, "file-unreadable" | "invalid-model" | "unsupported-model">,
  file: string,
  problem: string,
  cure: string,
  details: Record<string, unknown> = {},
  cause?: unknown,
): LlamafuseError {
  return new LlamafuseError(code, `${file}: ${problem} ${cure}`, { file, ...details }, cause);
}

export function invalidModel(
  file: string,
  problem: string,
  cure: string,
  details: Record<string, unknown> = {},
): LlamafuseError {
  return modelError("invalid-model", file, problem, cure, details);
}

export function unsupportedModel(
  file: string,
  problem: string,
  cure: string,
  details: Record<string, unknown> = {},
): LlamafuseError {
  return modelError("unsupported-model", file, problem, cure, details);
}

/** A name or text out of a damaged file, safe to print: control characters escaped, cut after 60 characters. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
