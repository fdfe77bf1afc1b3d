/**
 * `npm run test:remote`: the tests of test/remote against a real llama-server: the one that LLAMAFUSE_LLAMA_SERVER names, or that
 * scripts/build-llama-server.mjs has built; elsewhere one line says that they are skipped.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { ensureBuilt, ensureInstalled, root, run } from "./ensure.mjs";

const package_ = path.join(root, "node_modules", "node-llama-cpp", "llama", "binariesGithubRelease.json");
const release = existsSync(package_) ? JSON.parse(readFileSync(package_, "utf8")).release : "";
const built = path.join(root, ".cache", `llama-server-${release}`, "build", "llama-server");
const program = process.env.LLAMAFUSE_LLAMA_SERVER ?? built;

if (!existsSync(program)) {
  console.error(`test:remote skipped: there is no llama-server at ${program} (node scripts/build-llama-server.mjs builds one).`);
} else {
  ensureInstalled();
  ensureBuilt();
  run("npx", ["vitest", "run", "--config", "test/remote/vitest.config.ts", ...process.argv.slice(2)], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, LLAMAFUSE_LLAMA_SERVER: program },
  });
}
