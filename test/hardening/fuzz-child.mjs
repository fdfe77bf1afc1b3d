/**
 * A process that uses the built library on files that it cannot trust: a line of JSON on stdin names a job, a line on
 * stdout says how it ended. What it says with "begin" and never ends has killed it, or hangs.
 */
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const library = await import(pathToFileURL(process.argv[2]).href);
const { createEnsemble, LlamafuseError } = library;
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

async function fuse({ sound, file, method, chat }) {
  const members = [{ model: sound, name: "sound" }, { model: file, name: "mutant", contextSize: 96 }];
  const ensemble = await createEnsemble({ members, method: { name: method }, gpu: false, schedule: "in-turn" });
  try {
    const prompt = chat ? [{ role: "user", content: "What is a kid?" }] : "Once upon a time";
    const { finishReason } = await ensemble.generate(prompt, { maxTokens: 4, seed: 1, signal: AbortSignal.timeout(20_000) });
    return `answered: ${finishReason}`;
  } finally {
    await ensemble.dispose();
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const job = JSON.parse(line);
  say({ begin: job.index });
  const started = performance.now();
  let outcome;
  try {
    outcome = await fuse(job);
  } catch (error) {
    outcome = error instanceof LlamafuseError ? `refused: ${error.code}` : `RAW: ${error?.stack ?? error}`;
  }
  const { rss } = process.memoryUsage();
  say({ end: job.index, outcome, ms: Math.round(performance.now() - started), rss });
}
process.exit(0);
