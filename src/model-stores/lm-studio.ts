/** LM Studio's models: `PUBLISHER/MODEL/FILE.gguf` in the folder that its settings name, and in its usual ones. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { modelsByPath } from "./files.js";
import type { ModelStore, StorePlace } from "./store.js";

/** Publisher and model, and a folder more for models that people sort themselves. */
const DEPTH = 3;

export const lmStudio: ModelStore = {
  name: "lm-studio",
  folders(place) {
    const homes = homesOf(place);
    const chosen = homes.flatMap((home) => settingOf(home) ?? []);
    return [...new Set([...chosen, ...homes.map((home) => path.join(home, "models"))])];
  },
  find: (folder) => ({ models: modelsByPath(folder, DEPTH), problems: [] }),
};

/** Where LM Studio keeps its own files: the folder that it was moved to, the usual one, and that of versions before 0.3. */
function homesOf({ home }: StorePlace): string[] {
  const moved = read(path.join(home, ".lmstudio-home-pointer"))?.trim();
  const usual = [path.join(home, ".lmstudio"), path.join(home, ".cache", "lm-studio")];
  return [...new Set(moved ? [moved, ...usual] : usual)];
}

/** The folder for models that a person chose in the settings. */
function settingOf(home: string): string | undefined {
  try {
    const { downloadsFolder } = JSON.parse(read(path.join(home, "settings.json")) ?? "{}");
    return typeof downloadsFolder === "string" && path.isAbsolute(downloadsFolder) ? downloadsFolder : undefined;
  } catch {
    return undefined;
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
