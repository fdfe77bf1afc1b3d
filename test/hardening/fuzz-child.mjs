/**
 * A process that uses the built library on files that it cannot trust: a line of JSON on stdin names a job, a line on
 * stdout says how it ended. What it says with "begin" and never ends has killed it, or hangs.
 */
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const library = await import(pathToFileURL(process.argv[2]).href);
const { createEnsemble, LlamafuseError } = library;
const sound = process.argv[3];
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

const STORY = "Once upon a time";
const SETTINGS = { gpu: false, schedule: "in-turn" };
/** Loaded once; it must be as good after every mutant. */
const companion = await createEnsemble({ members: [{ model: sound, name: "sound" }], method: "single", ...SETTINGS });
const { text: usual } = await companion.generate(STORY, { maxTokens: 4 });

async function fuse({ file, method, chat }) {
  // In memory that both share; the ensemble disposes of both.
  const members = [
    { model: sound, name: "sound" },
    { model: file, name: "mutant", contextSize: 96 },
  ];
  const ensemble = await createEnsemble({ members, method: { name: method }, ...SETTINGS });
  try {
    const prompt = chat ? [{ role: "user", content: "What is a kid?" }] : STORY;
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
  let said;
  try {
    outcome = await fuse(job);
  } catch (error) {
    outcome = error instanceof LlamafuseError ? `refused: ${error.code}` : `RAW: ${error?.stack ?? error}`;
    said = error?.message;
  }
  const { text } = await companion.generate(STORY, { maxTokens: 4 });
  if (text !== usual) outcome = `RAW: the sound member answers ${JSON.stringify(text)}, not ${JSON.stringify(usual)}`;
  const { rss } = process.memoryUsage();
  say({ end: job.index, outcome, said, ms: Math.round(performance.now() - started), rss });
}
process.exit(0);
