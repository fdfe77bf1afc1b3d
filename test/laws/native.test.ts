/** The laws, on the native models in llama.cpp. */
import { writeTinyModel } from "../../scripts/lib/tiny-model.js";
import type { MethodOptions } from "../../src/during/methods.js";
import { SharedMemory } from "../../src/kernels/shared-memory.js";
import { LlamaMember } from "../../src/member/llama/llama-member.js";
import type { Member } from "../../src/member/member.js";
import { nativeModels } from "../../src/native-models.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { memberLaws } from "./member.js";
import { methodLaws } from "./method.js";

const [robin, wren] = nativeModels().map(({ path }) => path);
const load = (model: string, name?: string) => LlamaMember.load({ model, name, contextSize: 128 }, new SharedMemory());

/** Tokens decoded in other batches differ in the last bits of float32; this is what that makes of probabilities. */
const tolerance = 5e-3;

for (const model of [robin, wren]) memberLaws(model.replace(/^.*[\\/]/, ""), () => load(model), { tolerance });
memberLaws(
  "batches of three tokens",
  () => LlamaMember.load({ model: wren, contextSize: 128, batchSize: 3 }, new SharedMemory()),
  {
    tolerance,
  },
);

methodLaws("unite on the native models", {
  method: { name: "unite" },
  covers: "some",
  make: async () => [await load(robin), await load(wren)],
  copy: () => load(robin, "again"),
  tolerance,
  prompt: "Once upon a time",
});
methodLaws("gac on the native models", {
  method: { name: "gac" },
  covers: "all",
  make: async () => [await load(robin), await load(wren)],
  copy: () => load(robin, "again"),
  tolerance,
  prompt: "Once upon a time",
});
for (const { method, isSymmetric = true } of [
  { method: { name: "product" } },
  { method: { name: "core" }, isSymmetric: false },
  { method: { name: "packllm" } },
  { method: { name: "packllm", variant: "opt" } },
] as { method: MethodOptions; isSymmetric?: boolean }[])
  methodLaws(`${JSON.stringify(method)} on the native models`, {
    method,
    covers: "some",
    isSymmetric,
    make: async () => [await load(robin), await load(wren)],
    copy: () => load(robin, "again"),
    tolerance: 2 * tolerance,
    prompt: "Once upon a time",
  });
methodLaws("abe on the native models", {
  method: { name: "abe", beams: 1 },
  covers: "some",
  isSymmetric: false,
  isSpelled: true,
  make: async () => [await load(robin), await load(wren)],
  copy: () => load(robin, "again"),
  tolerance,
  prompt: "Once upon a time",
});

methodLaws("safe on the native models", {
  method: { name: "safe" },
  covers: "some",
  isSymmetric: false,
  isMean: false,
  keepsAgreement: false,
  make: async () => [await load(robin), await load(wren)],
  copy: () => load(robin, "again"),
  tolerance,
  prompt: "Once upon a time",
});
methodLaws("deepen on the native models", {
  method: { name: "deepen" },
  covers: "all",
  isSymmetric: false,
  hasWeights: false,
  keepsAgreement: false,
  make: async () => [await load(robin), await load(wren)],
  copy: () => load(robin, "again"),
  // The optimiser turns small differences into steps.
  tolerance: 4 * tolerance,
  prompt: "Once upon a time",
});
methodLaws("eva on the native models", {
  method: { name: "eva" },
  covers: "some",
  isSymmetric: false,
  keepsAgreement: false,
  make: async () => [await load(robin), await load(wren)],
  copy: () => load(robin, "again"),
  tolerance,
  prompt: "Once upon a time",
});

/** Two sizes with one vocabulary, of random weights. */
const at = temporaryFolder();
const siblings = [1, 3].map(
  (layers) => writeTinyModel(at(`${layers}-layers.gguf`), { layers, tokenizer: "bpe", contextLength: 256 })[0],
);
const ofSiblings = {
  make: async () => [await load(siblings[0]), await load(siblings[1])],
  copy: () => load(siblings[0], "again"),
  // Random weights tell less apart.
  tolerance: 4 * tolerance,
  prompt: "the sea",
};
for (const form of ["kl", "max"] as const)
  methodLaws(`purify ${form} on siblings`, {
    method: { name: "purify", form },
    covers: "all",
    isMean: false,
    ...ofSiblings,
  });
const odd = { needs: { top: 1, hidden: true }, score: ({ output }: Member) => (output.hidden[0] > 0 ? 1 : 0) };
methodLaws("citer on siblings", {
  method: { name: "citer", router: odd },
  covers: "all",
  isSymmetric: false,
  hasWeights: false,
  ...ofSiblings,
});
methodLaws("cds on the native models", {
  method: { name: "cds", classifier: odd, critical: "sampled" },
  covers: "all",
  isSymmetric: false,
  hasWeights: false,
  make: async () => [await load(robin), await load(wren)],
  copy: () => load(robin, "again"),
  tolerance,
  prompt: "Once upon a time",
});
