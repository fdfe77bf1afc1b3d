/** A folder for a test file's own files, removed when its tests are done. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll } from "vitest";

/** `at("a.gguf")` is a path in the folder; `at("a.gguf", bytes)` also writes the file. */
export function temporaryFolder(): (name: string, content?: string | Uint8Array) => string {
  const folder = mkdtempSync(path.join(tmpdir(), "llamafuse-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (name, content) => {
    const file = path.join(folder, name);
    if (content !== undefined) writeFileSync(file, content);
    return file;
  };
}
