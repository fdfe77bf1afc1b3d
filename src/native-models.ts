/** The small models that come with the package: the default members of every command. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { LlamafuseError } from "./errors.js";

export interface NativeModel {
  name: string;
  /** Absolute path of its GGUF file. */
  path: string;
}

/** Beside `src` and beside `dist`, wherever this module was built into. */
const FOLDER = fileURLToPath(new URL("../native-models/", import.meta.url));

/** The embedded models, in the order of their manifest. Errors: file-unreadable if the package is incomplete. */
export function nativeModels(): NativeModel[] {
  const manifest = path.join(FOLDER, "manifest.json");
  let listed: { name: string; file: string }[];
  try {
    listed = (JSON.parse(readFileSync(manifest, "utf8")) as { models: { name: string; file: string }[] }).models;
  } catch (cause) {
    throw missing(manifest, cause);
  }
  return listed.map(({ name, file }) => {
    const location = path.join(FOLDER, file);
    if (!existsSync(location)) throw missing(location);
    return { name, path: location };
  });
}

function missing(file: string, cause?: unknown): LlamafuseError {
  return new LlamafuseError(
    "file-unreadable",
    `The native models are incomplete: cannot read ${file}. Reinstall the package, or name your own models with --member.`,
    { found: file },
    cause,
  );
}
