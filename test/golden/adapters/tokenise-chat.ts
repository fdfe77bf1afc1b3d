import path from "node:path";
import { extractVocabularies, hasGit } from "../../../scripts/extract-vocabularies.js";
import { loadLlama } from "../../../src/llama/library.js";
import { LlamaModel } from "../../../src/llama/model.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  /** A path in the sources of llama.cpp: `models/ggml-vocab-NAME.gguf`. */
  vocab: string;
  segments: { from: "template" | "content"; text: string }[];
}

const models = new Map<string, LlamaModel>();

export const tokeniseChat: GoldenAdapter = {
  method: "tokenise-chat",
  tolerance: 0,
  whyNot: () => (hasGit() ? undefined : "git is needed to extract the vocabularies"),
  run({ vocab, segments }: Input) {
    let model = models.get(vocab);
    if (model === undefined) {
      const file = path.join(extractVocabularies(), path.relative("models", vocab));
      model = LlamaModel.load(loadLlama({ gpu: false }), file, { vocabularyOnly: true });
      models.set(vocab, model);
    }
    const letters: number[] = [];
    let at = 0;
    for (const { from, text } of segments) {
      const end = at + Buffer.byteLength(text);
      if (from === "content") letters.push(at, end);
      at = end;
    }
    const whole = Buffer.from(segments.map(({ text }) => text).join(""));
    const ids = model.tokenizer.encode(whole, { parseSpecial: true, addBos: false, letters });
    return { ids: Array.from(ids) };
  },
};
