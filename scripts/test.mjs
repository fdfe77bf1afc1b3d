/** `npm test`: install and build where needed, then everything that must hold: types, lint, tests, goldens. */
import { ensureBuilt, ensureInstalled, run } from "./ensure.mjs";

ensureInstalled();
ensureBuilt();
run("npm", ["run", "--silent", "typecheck"]);
run("npm", ["run", "--silent", "lint"]);
run("npm", ["run", "--silent", "golden"], { stdio: ["ignore", "inherit", "inherit"] });
run("npx", ["vitest", "run", ...process.argv.slice(2)], { stdio: ["ignore", "inherit", "inherit"] });
