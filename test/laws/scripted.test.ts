/** The laws, on scripted members of every kind of vocabulary. */

import type { MethodOptions } from "../../src/during/methods.js";
import type { Judge } from "../../src/during/token/switch/model.js";
import type { Member } from "../../src/member/member.js";
import { MAX_TOP } from "../../src/member/offers.js";
import { memberLaws } from "./member.js";
import { type MethodLawOptions, methodLaws } from "./method.js";
import {
  bytePairVocabulary,
  byteVocabulary,
  randomMember,
  sentencePieceVocabulary,
  twinVocabulary,
} from "./scripted-members.js";

const contextSize = 256;
const bytes = byteVocabulary();
const sp = sentencePieceVocabulary();
const otherSp = sentencePieceVocabulary(1);
const bpe = bytePairVocabulary();
const otherBpe = bytePairVocabulary(1);
const twins = twinVocabulary();

memberLaws("scripted, a token a byte", () => randomMember(1, bytes, { contextSize }));
memberLaws("scripted, byte tokenizer over words", () => randomMember(2, bpe, { contextSize, tokenizer: "bytes" }));
memberLaws("scripted, like SentencePiece", () => randomMember(3, sp, { contextSize }));
memberLaws("scripted, like byte-level BPE", () => randomMember(4, bpe, { contextSize }));
memberLaws("scripted, tokens with the same bytes", () => randomMember(5, twins, { contextSize }));

const ensembles: Record<string, () => Member[]> = {
  "SentencePiece and BPE": () => [randomMember(1, sp), randomMember(2, bpe)],
  "BPE and BPE": () => [randomMember(3, bpe), randomMember(4, otherBpe)],
  "SentencePiece and SentencePiece": () => [randomMember(5, sp), randomMember(6, otherSp)],
  "BPE, SentencePiece, bytes, twins": () => [
    randomMember(7, bpe),
    randomMember(8, sp),
    randomMember(9, bytes),
    randomMember(10, twins),
  ],
};

interface Listed {
  method: MethodOptions;
  covers: MethodLawOptions["covers"];
  isSymmetric?: boolean;
  isMean?: boolean;
  hasWeights?: boolean;
  keepsAgreement?: boolean;
  isByteExact?: boolean;
  isSpelled?: boolean;
}

const methods: Listed[] = [
  { method: { name: "abe", beams: 1 }, covers: "some", isSymmetric: false, isSpelled: true },
  { method: { name: "me" }, covers: "all" },
  // Tokens that stand have probability 1.
  { method: { name: "safe" }, covers: "some", isSymmetric: false, isMean: false, keepsAgreement: false },
  {
    method: { name: "safe", drafter: 1, draft: 3, alignment: "union", sharpen: "geometric" },
    covers: "some",
    isSymmetric: false,
    isMean: false,
    keepsAgreement: false,
  },
  { method: { name: "gac" }, covers: "all" },
  { method: { name: "gac", feedback: "text" }, covers: "all" },
  { method: { name: "gac", gate: "threshold", threshold: 0.15 }, covers: "all", isSymmetric: false },
  { method: { name: "gac", compat: true }, covers: "all", isByteExact: false },
  { method: { name: "unite" }, covers: "some" },
  { method: { name: "unite", k: 1, feedback: "piece" }, covers: "some" },
  { method: { name: "unite", k: MAX_TOP }, covers: "some" },
  { method: { name: "unite", compat: true }, covers: "some", isByteExact: false },
  { method: { name: "unite", compat: true, variant: "probability" }, covers: "some", isByteExact: false },
  { method: { name: "product" }, covers: "some" },
  { method: { name: "fusion", rule: "minimum" }, covers: "some" },
  { method: { name: "product", alignment: "union" }, covers: "all", isMean: false },
  { method: { name: "product", alignment: "union", floor: 1e-12 }, covers: "all", isMean: false },
  { method: { name: "core" }, covers: "some", isSymmetric: false },
  { method: { name: "core", main: "none", score: "linear" }, covers: "some" },
  { method: { name: "core", alignment: "union", task: "classification" }, covers: "all", isSymmetric: false },
  { method: { name: "fusion", alignment: "union", weights: "perplexity" }, covers: "all", isMean: false },
  { method: { name: "packllm" }, covers: "some" },
  { method: { name: "packllm", variant: "opt", refresh: 5 }, covers: "some" },
  { method: { name: "packllm", compat: true }, covers: "some", isSymmetric: false, isByteExact: false },
  { method: { name: "fusion", schedule: { name: "gate", threshold: 0.3 } }, covers: "some", isSymmetric: false },
  // The published decay flattens distributions that agree, by less than a hundredth of their logits.
  { method: { name: "deepen" }, covers: "all", isSymmetric: false, hasWeights: false, keepsAgreement: false },
  { method: { name: "deepen", weightDecay: 0, feedback: "text" }, covers: "all", isSymmetric: false },
  {
    method: { name: "deepen", main: 1, anchors: 40 },
    covers: "all",
    isSymmetric: false,
    hasWeights: false,
    keepsAgreement: false,
  },
  // Likeness is not identity: what a member says of one token goes in part to others like it.
  { method: { name: "eva" }, covers: "some", isSymmetric: false, keepsAgreement: false },
  { method: { name: "eva", main: 1, fusion: "linear" }, covers: "some", isSymmetric: false, keepsAgreement: false },
  { method: { name: "eva", compat: true }, covers: "some", isSymmetric: false, isByteExact: false },
  { method: { name: "deepen", compat: true }, covers: "all", isSymmetric: false, isByteExact: false },
];

for (const [name, make] of Object.entries(ensembles)) {
  for (const listed of methods) {
    // The published strings share letters between the families, which a vocabulary without them cannot.
    if (listed.isByteExact === false && name.includes("twins")) continue;
    methodLaws(`${JSON.stringify(listed.method)} on ${name}`, { ...listed, make, copy: () => make()[0] });
  }
}

/** Members with one vocabulary, token for token, for the methods that need that. */
const siblings: Record<string, () => Member[]> = {
  "BPE siblings": () => [randomMember(1, bpe), randomMember(2, bpe)],
  "SentencePiece siblings": () => [randomMember(3, sp), randomMember(4, sp), randomMember(5, sp)],
};

const methodsForSiblings: Listed[] = [
  { method: { name: "purify" }, covers: "all", isMean: false },
  { method: { name: "purify", form: "max" }, covers: "all", isMean: false },
];

for (const [name, make] of Object.entries(siblings)) {
  for (const listed of methodsForSiblings)
    methodLaws(`${JSON.stringify(listed.method)} on ${name}`, { ...listed, make, copy: () => make()[0] });
}

/** Yields to the other member at some steps, as its leader's likeliest token has it. */
const parity: Judge = { needs: { top: 1 }, score: ({ output }) => output.topIds[0] % 2 };

/** Switches between two members have one speaker at a step. */
const switches: MethodOptions[] = [
  { name: "cds", threshold: 4, critical: "sampled" },
  { name: "cds", classifier: "entity", critical: "sampled" },
  { name: "citer", router: parity, threshold: 0.5 },
];

const pairs = { ...ensembles, ...siblings };
for (const name of ["SentencePiece and BPE", "SentencePiece and SentencePiece", "BPE siblings"]) {
  for (const method of switches) {
    const make = pairs[name];
    const as = { method, covers: "all", isSymmetric: false, hasWeights: false } as const;
    methodLaws(`${JSON.stringify(method)} on ${name}`, { ...as, make, copy: () => make()[0] });
  }
}

// At the start of a fragment the tokenizer's space is no part of the text.
methodLaws("gac behind a special token", {
  method: { name: "gac" },
  covers: "all",
  make: ensembles["SentencePiece and BPE"],
  copy: () => randomMember(1, sp),
  prompt: "Hello</s>",
  parseSpecial: true,
});
methodLaws("safe behind a special token", {
  method: { name: "safe" },
  covers: "some",
  isSymmetric: false,
  isMean: false,
  keepsAgreement: false,
  make: ensembles["SentencePiece and BPE"],
  copy: () => randomMember(1, sp),
  prompt: "Hello</s>",
  parseSpecial: true,
});
methodLaws("unite behind a special token", {
  method: { name: "unite" },
  covers: "some",
  make: ensembles["SentencePiece and SentencePiece"],
  copy: () => randomMember(5, sp),
  prompt: "Hello</s>",
  parseSpecial: true,
});
