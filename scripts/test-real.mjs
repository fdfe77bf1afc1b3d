/**
 * `npm run test:real`: the tests of test/real on real models, where LLAMAFUSE_REAL_MODELS names the folder with them
 * (scripts/get-real-models.sh); elsewhere one line says that they are skipped.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { ensureBuilt, ensureInstalled, run } from "./ensure.mjs";

const FILES = ["smollm2.gguf", "gemma3.gguf", "minilm.gguf"];
const folder = process.env.LLAMAFUSE_REAL_MODELS;
const missing = FILES.filter((file) => !folder || !existsSync(path.join(folder, file)));

if (missing.length > 0) {
  const why = folder ? `${folder} has no ${missing.join(", ")}` : "LLAMAFUSE_REAL_MODELS names no folder";
  console.error(`test:real skipped: ${why} (scripts/get-real-models.sh DIR brings the models).`);
} else {
  ensureInstalled();
  ensureBuilt();
  run("npx", ["vitest", "run", "--config", "test/real/vitest.config.ts", ...process.argv.slice(2)], {
    stdio: ["ignore", "inherit", "inherit"],
  });
}
