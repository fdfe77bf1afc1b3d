/** `npm start [-- PROMPT]`: from a fresh clone to a fused answer of the native models. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { ensureBuilt, ensureInstalled, root } from "./ensure.mjs";

const DEMO = ["generate", "--trace", "--chat", "Where does the owner of the hamster live?"];

ensureInstalled();
ensureBuilt();
const given = process.argv.slice(2);
const args = given.length === 0 ? DEMO : ["generate", ...given];
if (given.length === 0) console.error(`$ llamafuse ${DEMO.map((word) => (word.includes(" ") ? JSON.stringify(word) : word)).join(" ")}\n`);
const { status } = spawnSync(process.execPath, [path.join(root, "dist", "cli.js"), ...args], { stdio: "inherit" });
process.exit(status ?? 1);
