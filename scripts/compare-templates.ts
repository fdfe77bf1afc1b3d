/**
 * Compares the chat templates of llama.cpp's collection, rendered here and by Python's jinja2 as transformers sets it up,
 * each on the conversations of test/golden/chat-template.json, and writes bench/results/chat-templates.json, which
 * docs/chat-templates.md shows. Needs git, python3 and `pip install jinja2==3.1.6`:
 *
 *     npx tsx scripts/compare-templates.ts && npm run docs
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { JinjaError } from "../src/decoding/jinja/errors.js";
import { JinjaTemplate, toValue } from "../src/decoding/jinja/template.js";
import { formatDate } from "../src/decoding/template-date.js";
import { LlamafuseError } from "../src/errors.js";
import { writeWholeSync } from "../src/files.js";
import { extractVocabularies } from "./extract-vocabularies.js";

export const RESULTS = "bench/results/chat-templates.json";
const GOLDEN = "test/golden/chat-template.json";

/** What became of the conversations under one template. */
export interface ComparedTemplate {
  template: string;
  /** Whether its renderings are in the golden file, so that the engine was made to agree. */
  inGolden: boolean;
  /** Rendered by Python, and equal here. */
  equal: number;
  /** Rendered by Python, and an error here: conversation, and the error. */
  refusedHere: { conversation: string; error: string }[];
  /** Rendered by Python, and another text here. */
  different: string[];
  /** An error in Python: of these an error of the same class here, another error here, and rendered here. */
  refusedByBoth: number;
  otherError: number;
  renderedHere: string[];
}

interface Rendering {
  text?: string;
  error?: string;
  message?: string;
}

interface Case {
  name: string;
  input: { template: string; now: string; variables: Record<string, unknown> };
}

function main(): void {
  const { cases } = JSON.parse(readFileSync(GOLDEN, "utf8")) as { cases: Case[] };
  const known = new Set(cases.map(({ input }) => path.basename(input.template)));
  const [{ input: first }] = cases;
  const conversations = cases.filter(({ input }) => input.template === first.template);
  const prefix = `${path.basename(first.template, ".jinja")} `;
  const folder = path.join(extractVocabularies(), "templates");
  const templates = readdirSync(folder)
    .filter((file) => file.endsWith(".jinja"))
    .sort();
  const jobs = templates.flatMap((template) =>
    conversations.map(({ name, input: { now, variables } }) => ({
      file: template,
      conversation: name.replace(prefix, ""),
      job: { template: readFileSync(path.join(folder, template), "utf8"), now, variables },
    })),
  );
  const theirs = inPython(jobs.map(({ job }) => job));
  const compared = templates.map((template): ComparedTemplate => {
    const result: ComparedTemplate = {
      template: template.replace(/\.jinja$/, ""),
      inGolden: known.has(template),
      equal: 0,
      refusedHere: [],
      different: [],
      refusedByBoth: 0,
      otherError: 0,
      renderedHere: [],
    };
    for (const [index, { file, conversation, job }] of jobs.entries()) {
      if (file === template) record(result, conversation, theirs[index], here(job));
    }
    return result;
  });
  const python = "jinja2 3.1.6, set up as transformers does";
  writeWholeSync(
    RESULTS,
    `${JSON.stringify({ python, conversations: conversations.length, templates: compared }, null, 2)}\n`,
  );
  const others = compared.filter(({ inGolden }) => !inGolden);
  const equal = others.reduce((sum, each) => sum + each.equal, 0);
  const refused = others.reduce((sum, each) => sum + each.refusedHere.length, 0);
  const different = compared.reduce((sum, each) => sum + each.different.length + each.renderedHere.length, 0);
  console.log(`Outside the golden: ${equal} equal, ${refused} named errors. In all, ${different} silently different.`);
}

function record(result: ComparedTemplate, conversation: string, theirs: Rendering, ours: Rendering): void {
  if (theirs.text !== undefined) {
    if (ours.text === theirs.text) result.equal++;
    else if (ours.text !== undefined) result.different.push(conversation);
    else result.refusedHere.push({ conversation, error: `${ours.error}: ${ours.message}` });
  } else if (ours.text !== undefined) result.renderedHere.push(conversation);
  else if (ours.error === theirs.error) result.refusedByBoth++;
  else result.otherError++;
}

function here({ template, now, variables }: Case["input"]): Rendering {
  const date = new Date(now);
  try {
    const values = new Map(Object.entries(variables).map(([name, value]) => [name, toValue(value, true)]));
    return { text: new JinjaTemplate(template).render(values, (format) => formatDate(date, format)).value };
  } catch (error) {
    if (error instanceof JinjaError) return { error: error.name, message: error.message };
    throw error;
  }
}

function inPython(jobs: readonly Case["input"][]): Rendering[] {
  const run = spawnSync("python3", ["scripts/render-templates.py"], {
    input: jobs.map((job) => `${JSON.stringify(job)}\n`).join(""),
    encoding: "utf8",
    maxBuffer: 2 ** 30,
  });
  if (run.status !== 0) {
    const why = run.error?.message ?? `${run.stderr.trim().split("\n").at(-1)} (${run.signal ?? `exit ${run.status}`})`;
    throw new LlamafuseError(
      "file-unreadable",
      `Python could not render the templates: ${why}. It needs python3 with jinja2 3.1.6.`,
    );
  }
  return run.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Rendering);
}

main();
