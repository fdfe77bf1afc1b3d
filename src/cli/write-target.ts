/** That a file cannot be written is said before the work whose result it should hold. */
import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";
import { LlamafuseError } from "../errors.js";

/** Errors: file-unreadable. */
export function checkTarget(file: string): void {
  try {
    accessSync(path.dirname(file), constants.W_OK);
    if (!(statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false)) return;
  } catch {
    // The folder is missing, or not ours to write in.
  }
  const message = `${file} cannot be written. Name a file in a folder that exists and can be written.`;
  throw new LlamafuseError("file-unreadable", message, { found: file, file });
}
