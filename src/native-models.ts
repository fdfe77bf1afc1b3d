/** The small models that come with the package: the default members of every command. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { LlamafuseError } from "./errors.js";

export interface NativeModel {
  name: string;
  /** Absolute path of its GGUF file. */
  path: string;
}

const NAMES = ["robin", "wren"];

/** The embedded models. Errors: file-unreadable if the package is incomplete. */
export function nativeModels(): NativeModel[] {
  return NAMES.map((name) => {
    // Beside `src` and beside `dist`, wherever this module was built into.
    const path = fileURLToPath(new URL(`../native-models/${name}.gguf`, import.meta.url));
    if (existsSync(path)) return { name, path };
    throw new LlamafuseError(
      "file-unreadable",
      `The native model ${path} is missing. Reinstall the package, or name your own models with --member.`,
      { found: path, file: path },
    );
  });
}
