/**
 * Make a checkout ready to run: install the packages and build, each only where something changed since the last time.
 * Plain Node without dependencies, because it runs before anything is installed.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
/** Holds a stamp for each thing that was done; inside node_modules, so that deleting that folder forgets them all. */
const stamps = path.join(root, "node_modules", ".llamafuse");

/** Run a command with its output shown; on failure end with its status. */
export function run(command, args, options = {}) {
  try {
    execFileSync(command, args, { cwd: root, stdio: ["ignore", 2, "inherit"], shell: process.platform === "win32", ...options });
  } catch (error) {
    process.exit(error.status ?? 1);
  }
}

function filesBelow(folder) {
  return readdirSync(folder).flatMap((name) => {
    const file = path.join(folder, name);
    return statSync(file).isDirectory() ? filesBelow(file) : [file];
  });
}

function hashOf(files) {
  const hash = createHash("sha256").update(process.version).update(`${process.platform}-${process.arch}`);
  for (const file of files.sort()) hash.update(path.relative(root, file)).update(readFileSync(file));
  return hash.digest("hex");
}

/** Do `work` unless the stamp says that it was done for exactly these inputs and its product is there. */
function unlessDone(name, inputs, product, work) {
  const stamp = path.join(stamps, name);
  const hash = hashOf(inputs);
  if (existsSync(product) && existsSync(stamp) && readFileSync(stamp, "utf8") === hash) return;
  work();
  mkdirSync(stamps, { recursive: true });
  writeFileSync(stamp, hash);
}

export function ensureInstalled() {
  const inputs = ["package.json", "package-lock.json"].map((name) => path.join(root, name));
  unlessDone("installed", inputs, path.join(root, "node_modules", "koffi"), () => {
    console.error("Installing packages (about half a minute) …");
    // Not "npm ci", which deletes what is installed first, where often a single package is missing.
    run("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"]);
  });
}

export function ensureBuilt() {
  const inputs = [...filesBelow(path.join(root, "src")), ...["package.json", "tsconfig.json", "tsup.config.ts", "scripts/build-kernels.mjs"].map((name) => path.join(root, name))].filter((file) => !file.endsWith(".generated.ts"));
  unlessDone("built", inputs, path.join(root, "dist", "cli.js"), () => {
    console.error("Building …");
    run("npm", ["run", "--silent", "build"]);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  ensureInstalled();
  ensureBuilt();
}
