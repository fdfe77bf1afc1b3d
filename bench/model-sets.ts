/** The sets of models that benches run on. Paths are relative to the project's folder, where benches are started. */
import { existsSync } from "node:fs";

export interface ModelSet {
  name: string;
  models: readonly string[];
  /** A prompt that these models continue. */
  prompt: string;
  /** Steps of one measured run: about a second's worth. */
  steps: number;
  /** Tokens of context. */
  contextSize: number;
  /** Whether a member gains from all cores; tiny ones lose more to waking threads. */
  large: boolean;
}

const BENCH = ".cache/bench-models";
const SHARED = "../shared/models";
/** The beginning of the text that the bench models remember. */
const REMEMBERED = " once upon some time there";

const small = (name: string, vocabularies: readonly string[]): ModelSet => ({
  name,
  models: vocabularies.map((vocabulary) => `${BENCH}/step-${vocabulary}.gguf`),
  prompt: REMEMBERED,
  steps: 96,
  contextSize: 512,
  large: false,
});

/** One small layer under real vocabularies: what a step costs beside decoding. */
export const VOCABULARY_SETS: readonly ModelSet[] = [
  small("32k+49k", ["32k", "49k"]),
  small("128k+152k", ["128k", "152k"]),
  small("128k+152k+262k", ["128k", "152k", "262k"]),
];

/** Models of which decoding takes what it takes in use. */
export const DECODING_SETS: readonly ModelSet[] = [
  {
    name: "native",
    models: ["native-models/robin.gguf", "native-models/wren.gguf", "native-models/finch.gguf"],
    prompt: "Once upon a time",
    steps: 128,
    contextSize: 512,
    large: false,
  },
  {
    name: "tiny pair",
    models: [`${SHARED}/stories260k-v512.gguf`, `${SHARED}/tinytales-bpe2048.gguf`],
    prompt: "Once upon a time",
    steps: 128,
    contextSize: 512,
    large: false,
  },
  {
    name: "tiny triple",
    models: [`${SHARED}/stories260k-v512.gguf`, `${SHARED}/tinytales-bpe2048.gguf`, `${SHARED}/babyllama-v361.gguf`],
    prompt: "Once upon a time",
    steps: 128,
    contextSize: 512,
    large: false,
  },
  {
    name: "135M+0.5B",
    models: [`${BENCH}/135m-49k.gguf`, `${BENCH}/500m-152k.gguf`],
    prompt: REMEMBERED,
    steps: 48,
    contextSize: 512,
    large: true,
  },
];

/** The sets to run, and a line for each one that cannot be. */
export function chooseSets(all: readonly ModelSet[], names?: readonly string[]): { sets: ModelSet[]; notes: string[] } {
  const notes: string[] = [];
  const sets = all.filter((set) => {
    if (names !== undefined && !names.includes(set.name)) return false;
    const missing = set.models.filter((model) => !existsSync(model));
    if (missing.length > 0) notes.push(`${set.name} left out: ${missing.join(", ")} missing (${cureFor(missing[0])})`);
    return missing.length === 0;
  });
  return { sets, notes };
}

function cureFor(model: string): string {
  return model.startsWith(BENCH) ? "npx tsx scripts/write-bench-models.ts writes it" : "it comes with the project";
}
