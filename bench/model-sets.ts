/** The sets of models that benches run on. */
import { type Chosen, chooseSets, type Missing, missingAmong, projectPath, scriptCure } from "./choose-sets.js";

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

const WRITTEN = projectPath(".cache/bench-models");
const NATIVE = projectPath("native-models");
const SHARED = projectPath("../shared/models");
/** The beginning of the text that the bench models remember. */
const REMEMBERED = " once upon some time there";

const small = (name: string, vocabularies: readonly string[]): ModelSet => ({
  name,
  models: vocabularies.map((vocabulary) => `${WRITTEN}/step-${vocabulary}.gguf`),
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
    models: ["robin", "wren", "finch"].map((name) => `${NATIVE}/${name}.gguf`),
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
    models: [`${WRITTEN}/135m-49k.gguf`, `${WRITTEN}/500m-152k.gguf`],
    prompt: REMEMBERED,
    steps: 48,
    contextSize: 512,
    large: true,
  },
];

/** The sets of models that a bench runs on. Errors: those of `chooseSets`. */
export function chooseModelSets(
  bench: string,
  all: readonly ModelSet[],
  names: readonly string[] | undefined,
): Chosen<ModelSet> {
  return chooseSets(bench, all, names, ({ models }) => missingModels(models));
}

/** What is missing of these models, and how to get it. */
export function missingModels(models: readonly string[]): Missing | undefined {
  return missingAmong(models, (model) => {
    if (model.startsWith(WRITTEN)) return scriptCure("write-bench-models.ts");
    if (model.startsWith(SHARED)) return `Put the test models into ${SHARED}, or choose another set`;
    return "Reinstall the package: it comes with them";
  });
}
