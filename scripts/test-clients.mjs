/**
 * `npm run test:clients`: clients that people own (Vercel's AI SDK, LangChain.js) against our server. They are packages of
 * test/clients, which npm installs there; where it cannot, one line says that the tests are skipped.
 */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { ensureBuilt, ensureInstalled, root, run } from "./ensure.mjs";

const folder = path.join(root, "test", "clients");
const { status } = spawnSync("npm", ["ci", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"], {
  cwd: folder,
  stdio: "ignore",
  shell: process.platform === "win32",
});
if (status === 0) {
  ensureInstalled();
  ensureBuilt();
  run("npx", ["vitest", "run", "--config", "test/clients/vitest.config.ts"], { stdio: ["ignore", "inherit", "inherit"] });
} else {
  console.error("test:clients skipped: npm cannot install test/clients/package.json here.");
}
