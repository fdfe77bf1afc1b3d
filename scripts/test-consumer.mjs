/**
 * `npm run test:consumer`: pack the package, check the packed file with publint and arethetypeswrong, install it with npm in
 * an empty folder, and use it there in every way that test/consumer knows.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ensureBuilt, ensureInstalled, root, run } from "./ensure.mjs";

const PUBLINT = "publint@0.3.25";
const ARE_THE_TYPES_WRONG = "@arethetypeswrong/cli@0.18.5";

ensureInstalled();
ensureBuilt();
const folder = mkdtempSync(path.join(tmpdir(), "llamafuse-packed-"));
try {
  run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder]);
  const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  const packed = path.join(folder, `llamafuse-${version}.tgz`);
  run("npx", ["--yes", PUBLINT, "run", packed, "--strict"]);
  // ESM alone: every Node that the package supports can require it.
  run("npx", ["--yes", ARE_THE_TYPES_WRONG, packed, "--profile", "esm-only"]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.env.LLAMAFUSE_CONSUMER = "install";
run("npx", ["vitest", "run", "test/consumer", ...process.argv.slice(2)], { stdio: ["ignore", "inherit", "inherit"] });
