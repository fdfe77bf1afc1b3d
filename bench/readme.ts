/**
 * `npm run bench:readme`: what bench/results/quality.json says, as bench/results/quality.md in full and in the README in
 * short. Run `npm run bench -- quality` before.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { renderMarkdown, withQuality } from "./markdown.js";
import type { BenchReport } from "./report.js";

const RESULTS = "bench/results/quality.json";

const report = JSON.parse(readFileSync(RESULTS, "utf8")) as BenchReport;
writeFileSync(RESULTS.replace(/\.json$/, ".md"), renderMarkdown(report));
writeFileSync("README.md", withQuality(readFileSync("README.md", "utf8"), report));
