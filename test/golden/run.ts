/**
 * `npm run golden -- DIR…`: check every golden file in the folders (default: this one) against the project. One line for
 * every field that differs; the last line is `N passed, N failed`, in cases. Exit code 1 if any failed.
 */
import { fileURLToPath } from "node:url";
import { checkAll, checkCase, goldenPaths, readGolden, whySkipped } from "./golden.js";

const folders = process.argv.slice(2);
if (folders.length === 0) folders.push(fileURLToPath(new URL(".", import.meta.url)));

let passed = 0;
let failed = 0;
/** Reason → cases. */
const skipped = new Map<string, number>();
const fail = (lines: readonly string[]) => {
  failed++;
  for (const line of lines) console.log(line);
};

for (const folder of folders) {
  const paths = await goldenPaths(folder).catch((error: Error) => {
    fail([`${folder}: ${error.message}`]);
    return [];
  });
  for (const path of paths) {
    try {
      const { method, cases } = await readGolden(path);
      for (const one of cases) {
        const reason = whySkipped(method, one);
        if (reason !== undefined) {
          skipped.set(reason, (skipped.get(reason) ?? 0) + 1);
          continue;
        }
        const lines = await checkCase(method, one);
        if (lines.length === 0) passed++;
        else fail(lines);
      }
      const together = checkAll(method, cases);
      if (together?.length === 0) passed++;
      else if (together !== undefined) fail(together);
    } catch (error) {
      fail([`${path}: not a golden file: ${(error as Error).message}`]);
    }
  }
}

for (const [reason, count] of skipped) console.log(`${count} skipped: ${reason}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
