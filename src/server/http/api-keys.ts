/** The file of keys: one a line; empty lines and those that begin with # are left out. */
import { LlamafuseError } from "../../errors.js";
import { readText } from "../../records.js";

/** Shorter ones can be guessed. */
const SHORTEST_KEY = 16;

/** Errors: file-unreadable, invalid-data (no key, a short one, one with spaces). No message holds a key. */
export async function readApiKeys(file: string): Promise<string[]> {
  const lines = (await readText(file)).split(/\r?\n/).map((line) => line.trim());
  const keys: string[] = [];
  for (const [index, line] of lines.entries()) {
    if (line === "" || line.startsWith("#")) continue;
    if (line.length < SHORTEST_KEY || /\s/.test(line)) {
      const message = `${file}:${index + 1}: a key must have ${SHORTEST_KEY} characters or more and no spaces; found ${line.length} characters.`;
      throw new LlamafuseError("invalid-data", message, { file, found: line.length, allowed: SHORTEST_KEY });
    }
    keys.push(line);
  }
  if (keys.length > 0) return keys;
  throw new LlamafuseError("invalid-data", `${file}: holds no key. Write one on a line.`, { file, found: 0 });
}
