/** `llamafuse cascade fit`: one cascade, fitted on a table and saved. */
import type { Command } from "commander";
import { DEFAULT_CASCADE } from "../../after/cascade/default-cascade.js";
import type { Embedder } from "../../before/embedders/embedder.js";
import { checkSamplerOptions } from "../../decoding/sampler-options.js";
import { checkTarget, writeWhole } from "../../files.js";
import { helpText } from "../help-text.js";
import { Interrupts } from "../interrupts.js";
import { addCommonOptions } from "../options.js";
import { addTableOptions, openEmbedder, renderNotes, type TableFlags, tableFor, tooFewNotes } from "../route/tables.js";
import { colorsFor, write, writeJson } from "../terminal.js";
import { onlyCascade, readCascadeWord } from "./arguments.js";
import { CASCADE_EMBEDDER, CASCADE_TABLES, nothingToGain } from "./tables.js";

interface FitFlags extends TableFlags {
  cascade?: string;
  output: string;
}

const EXAMPLES = `
Examples:
  $ llamafuse cascade fit --train outcomes.jsonl -o cascade.json
  $ llamafuse cascade fit --train outcomes.jsonl -c frugal-gpt:depth=2 \\
      -o cascade.json
  At most 5 % of the answers that the small model keeps may be wrong:
  $ llamafuse cascade fit --train outcomes.jsonl -c risk-control:alpha=0.05 \\
      -o cascade.json
  Then use it:
  $ llamafuse generate -M ${DEFAULT_CASCADE} -o cascade=cascade.json "…"
${CASCADE_TABLES}`;

export function registerCascadeFit(cascade: Command): void {
  const command = cascade
    .command("fit")
    .summary("fit a cascade and save it")
    .description("Fit one cascade on a table and save it as one JSON file.");
  addTableOptions(command, "Tables and cascades:", CASCADE_EMBEDDER)
    .option(
      "-c, --cascade <name>",
      `NAME or NAME:OPTION=VALUE,…, see "llamafuse cascade list" (default: ${DEFAULT_CASCADE})`,
      onlyCascade,
    )
    .requiredOption("-o, --output <file>", "where to write the cascade; an existing file is replaced")
    .option("--json", "print the result as one JSON document");
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action(() => fitOne(command.optsWithGlobals<FitFlags>()));
}

async function fitOne(flags: FitFlags): Promise<void> {
  const [{ cascadeNamed }, { cascadeFile }, { assumedNote, assumedPrices }] = await Promise.all([
    import("../../after/cascade/registry.js"),
    import("../../after/cascade/saved-cascade.js"),
    import("../../before/table/prices.js"),
  ]);
  checkTarget(flags.output, [flags.train]);
  checkSamplerOptions({ seed: flags.seed });
  const { name, options } = await readCascadeWord(flags.cascade ?? DEFAULT_CASCADE);
  const interrupts = new Interrupts();
  const notes: string[] = [];
  let embedder: Embedder | undefined;
  try {
    embedder = await openEmbedder(flags.embedder);
    let table = await tableFor(flags.train, flags, notes);
    if (!table.hasCosts) {
      const prices = assumedPrices(table);
      notes.push(assumedNote(prices));
      table = table.withPrices(prices);
    }
    notes.push(...tooFewNotes(table), ...nothingToGain(table));
    const embeddings = await embedder?.embed(table.queries, { signal: interrupts.signal });
    const cascade = cascadeNamed(name, options);
    const started = performance.now();
    const identity = embedder && { id: embedder.id, dimension: embedder.dimension };
    await cascade.fit(
      { table, ...(embeddings !== undefined && { embeddings, embedder: identity }) },
      { seed: flags.seed, signal: interrupts.signal },
    );
    const fitMs = performance.now() - started;
    await writeWhole(flags.output, JSON.stringify(cascadeFile(cascade, embedder)));
    const facts = { cascade: name, rows: table.rows, models: cascade.models, chain: cascade.chain, fitMs };
    if (flags.json) return await writeJson({ ...facts, notes, output: flags.output });
    const told = `${name} on ${facts.rows} queries: ${cascade.chain.join(", then ")}; ${fitMs.toFixed(0)} ms`;
    await write(process.stdout, `${renderNotes(notes, colorsFor(process.stdout))}${flags.output}: ${told}\n`);
  } finally {
    interrupts.release();
    await embedder?.dispose?.();
  }
}
