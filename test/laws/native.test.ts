/** The laws, on the native models in llama.cpp: every method that is registered, as it is without options or as it is listed first. */
import { writeTinyModel } from "../../scripts/lib/tiny-model.js";
import { SharedMemory } from "../../src/kernels/shared-memory.js";
import type { LawMembers } from "../../src/laws/law.js";
import type { LawRun } from "../../src/laws/method-laws.js";
import { LlamaMember } from "../../src/member/llama/llama-member.js";
import { nativeModels } from "../../src/native-models.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { lawsOfMethods, load, ROUNDING, setOf } from "./llama-members.js";
import { memberLaws } from "./member.js";

const [robin, wren] = nativeModels().map(({ path }) => path);
const tolerance = ROUNDING;

for (const model of [robin, wren]) memberLaws(model.replace(/^.*[\\/]/, ""), () => load(model), { tolerance });
memberLaws(
  "batches of three tokens",
  () => LlamaMember.load({ model: wren, contextSize: 128, batchSize: 3 }, new SharedMemory()),
  { tolerance },
);

/** Sizes with one vocabulary, of random weights. */
const at = temporaryFolder();
const siblings = [1, 3, 2].map(
  (layers) => writeTinyModel(at(`${layers}-layers.gguf`), { layers, tokenizer: "bpe", contextLength: 256 })[0],
);

const NATIVE: LawRun = { tolerance, prompt: "Once upon a time" };
/** Random weights tell less apart. */
const SIBLINGS: LawRun = { tolerance: 4 * tolerance, prompt: "the sea" };

await lawsOfMethods(
  new Map<LawMembers, LawRun>([
    [setOf("the native models", [robin, wren]), NATIVE],
    [setOf("siblings", siblings.slice(0, 2)), SIBLINGS],
    [setOf("three siblings", siblings), SIBLINGS],
    [setOf("robin", [robin]), NATIVE],
  ]),
  "native members",
);
