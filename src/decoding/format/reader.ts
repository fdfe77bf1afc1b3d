/** The thread that reads forms with XGrammar, in WebAssembly: it may take long, or end, without harm to anything else. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { parentPort, workerData } from "node:worker_threads";
import type { CompiledGrammar, GrammarCompiler, GrammarMatcher } from "@mlc-ai/web-xgrammar";
import { byteLevelText } from "../../vocabulary/byte-level.js";
import type { CallForm } from "../tools/call-form.js";
import { withByteClasses } from "./byte-classes.js";
import { callsGrammar } from "./calls-grammar.js";
import { withChoicesApart } from "./choices.js";
import { type FormSource, formatParts } from "./format.js";
import type { FromReader, Strings, ToReader } from "./protocol.js";

type XGrammar = typeof import("@mlc-ai/web-xgrammar");

/** Forms kept ready. */
const MOST_KEPT = 8;
const { bytes, offsets } = workerData as Strings;
/** Byte → the number of the string that it is. */
const byteNumbers = new Int32Array(256);
for (let number = 1; number < offsets.length; number++) {
  if (offsets[number] - offsets[number - 1] === 1) byteNumbers[bytes[offsets[number - 1]]] = number;
}

/** What XGrammar complains of, which it writes and does not throw. */
const complaints: string[] = [];
const xgrammar = load();
const compiler = makeCompiler();
const compiled = new Map<string, CompiledGrammar>();
let matcher: GrammarMatcher | undefined;
let mask: Int32Array;
/** Messages are answered in their order. */
let last: Promise<void> = Promise.resolve();

parentPort!.on("message", (message: ToReader) => {
  last = last.then(() => answer(message)).catch((error) => refuse(message.id, error));
});

async function answer(message: ToReader): Promise<void> {
  if ("open" in message) {
    mask = message.mask;
    matcher?.dispose();
    matcher = undefined;
    const form = await read(message.open);
    matcher = await (await xgrammar).GrammarMatcher.createGrammarMatcher(form);
  } else {
    const { take } = message;
    const numbers = typeof take === "number" ? [take] : Array.from(take, (byte) => byteNumbers[byte]);
    for (const number of numbers)
      if (!matcher!.acceptToken(number)) throw new Error("what was said is not of the form");
  }
  if (matcher!.isTerminated()) mask.fill(0);
  else mask.set(await matcher!.getNextTokenBitmask());
  parentPort!.postMessage({ id: message.id } satisfies FromReader);
}

async function read(format: FormSource): Promise<CompiledGrammar> {
  const [kind, text] = formatParts(format);
  const key = `${kind} ${text}`;
  const known = compiled.get(key);
  if (known !== undefined) return known;
  // What is made before the compiler is of another instance of WebAssembly.
  const made = await compiler;
  const form = await made.compileGrammar(await (await xgrammar).Grammar.fromEBNF(await grammarOf(kind, text)));
  if (compiled.size === MOST_KEPT) {
    const [oldest] = compiled.keys();
    compiled.get(oldest)!.dispose();
    compiled.delete(oldest);
  }
  compiled.set(key, form);
  return form;
}

/** As XGrammar reads it right. */
async function grammarOf(kind: ReturnType<typeof formatParts>[0], text: string): Promise<string> {
  const { Grammar } = await xgrammar;
  const ofSchema = (schema: string) => Grammar.fromJSONSchema(schema, false, -1, [", ", ": "], true);
  const mended = (grammar: { toString(): string }) => withByteClasses(withChoicesApart(grammar.toString()));
  if (kind === "calls") {
    const { schema, ...calls } = JSON.parse(text) as CallForm;
    return callsGrammar(mended(await ofSchema(JSON.stringify(schema))), calls);
  }
  if (kind === "schema") return mended(await ofSchema(text));
  if (kind === "grammar") return mended(await Grammar.fromEBNF(text));
  return mended(await Grammar.fromStructuralTag({ type: "structural_tag", format: { type: "regex", pattern: text } }));
}

function refuse(id: number, error: unknown): void {
  const written = complaints
    .map((line) => /\[FATAL\] \S+:\d+: (.*)/s.exec(line)?.[1])
    .find((line) => line !== undefined);
  const reason = written?.replace(/^Check failed: .*? is false: /s, "") ?? (error as Error)?.message ?? String(error);
  parentPort!.postMessage({ id, refused: reason } satisfies FromReader);
}

async function makeCompiler(): Promise<GrammarCompiler> {
  const { TokenizerInfo, GrammarCompiler } = await xgrammar;
  const strings = ["</s>"];
  for (let number = 1; number < offsets.length; number++)
    strings.push(byteLevelText(bytes.subarray(offsets[number - 1], offsets[number])));
  const info = await TokenizerInfo.createTokenizerInfo(strings, "byte_level", false, strings.length, [0]);
  return await GrammarCompiler.createGrammarCompiler(info);
}

/** The package calls itself a module and is a script. */
async function load(): Promise<XGrammar> {
  const note = (...said: unknown[]) => void complaints.push(said.join(" "));
  console.log = console.warn = console.error = note;
  const require = createRequire(import.meta.url);
  const file = require.resolve("@mlc-ai/web-xgrammar");
  const module = { exports: {} };
  const run = new Function("exports", "module", "require", "__filename", readFileSync(file, "utf8"));
  run(module.exports, module, require, file);
  return module.exports as XGrammar;
}
