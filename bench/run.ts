/**
 * `npm run bench -- NAME [--json FILE] [--rounds N] [--set NAME]… [--folder FOLDER]`: measure, print the tables, and write
 * the report to bench/results/NAME.json (or FILE), with the picture or page beside it where the bench has one.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { benchInfos, runBench } from "../src/bench/benches.js";
import { drawReport } from "../src/bench/chart.js";
import { renderReport } from "../src/bench/report.js";
import { LlamafuseError } from "../src/errors.js";

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: "string" },
      rounds: { type: "string" },
      set: { type: "string", multiple: true },
      folder: { type: "string" },
    },
  });
  if (positionals.length !== 1) {
    process.stderr.write(
      `Which bench?\n${benchInfos.map(({ name, summary }) => `  ${name.padEnd(8)}${summary}\n`).join("")}`,
    );
    return 2;
  }
  const [name] = positionals;
  try {
    const { page, ...report } = await runBench(name, {
      rounds: values.rounds === undefined ? undefined : Number(values.rounds),
      sets: values.set,
      folder: values.folder,
      onProgress: (what) => process.stderr.write(`${name}: ${what}\n`),
    });
    const file = values.json ?? path.join("bench", "results", `${name}.json`);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
    const picture = drawReport(report);
    if (picture !== undefined) writeFileSync(file.replace(/\.json$/, ".svg"), picture);
    if (page !== undefined) writeFileSync(file.replace(/\.json$/, ".html"), page);
    process.stdout.write(renderReport(report));
    return 0;
  } catch (error) {
    if (!(error instanceof LlamafuseError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
}

process.exit(await main());
