/**
 * The writers that the crash matrix kills: `tsx crash-child.ts KIND FILE`. Each does the same however often it is started,
 * and goes on where a killed one stopped.
 */
import { Ledger } from "../../src/answers/ledger.js";
import { cachedRows } from "../../src/during/alignments/build/cache.js";
import { keepAll } from "../../src/during/alignments/build/sparse-rows.js";
import { writeWhole, writeWholeSync } from "../../src/files.js";
import { rememberDownload } from "../../src/model-stores/downloads.js";

export const KEYS = ["one", "two", "three"];
/** Long enough to be written in several portions. */
export const ROUTER = JSON.stringify({ weights: Array.from({ length: 30_000 }, (_, index) => index / 7) });

const [kind, file] = process.argv.slice(2);
if (kind === "ledger") {
  const ledger = new Ledger<{ text: string }>(file);
  for (const key of KEYS) {
    if (ledger.get(key) !== undefined || (await ledger.claim(key)) !== undefined) continue;
    console.log(key);
    ledger.set(key, { text: key.repeat(20_000) });
  }
  ledger.close();
} else if (kind === "router") await writeWhole(file, ROUTER);
else if (kind === "pieces") await writeWhole(file, ROUTER.match(/.{1,5000}/gs)!);
else if (kind === "index") writeWholeSync(file, ROUTER);
else if (kind === "downloads")
  for (const key of KEYS) rememberDownload(file, `https://x/${key}`, `${file}/${key}.gguf`);
else if (kind === "cache") {
  const rows = await cachedRows("key", async () => keepAll([Float64Array.of(1, 2), Float64Array.of(3, 4)]));
  console.log(rows.values.join(" "));
}
