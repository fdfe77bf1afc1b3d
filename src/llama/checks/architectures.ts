/**
 * What this release of llama.cpp knows of each architecture, as far as a check needs it. The names are those that
 * `general.architecture` uses.
 */
import { nearestName } from "../../errors.js";
import { Cure, invalidModel, quoted, unsupportedModel } from "./model-error.js";

/** What a model keeps of the text it has read. Only `attention` can drop its last tokens. */
export type ModelMemory = "attention" | "recurrent" | "hybrid";

const words = (text: string): string[] => text.trim().split(/\s+/);

/** Architectures that write text token by token. */
const GENERATIVE = words(`
  llama llama4 deci falcon grok gpt2 gptneox mpt baichuan starcoder refact bloom stablelm qwen qwen2 qwen2moe qwen2vl
  qwen3 qwen3moe qwen3next qwen3vl qwen3vlmoe qwen35 qwen35moe qwen4exp phi2 phi3 phimoe plamo plamo2 plamo3 codeshell
  orion internlm2 minicpm minicpm3 gemma gemma2 gemma3 gemma3n gemma4 starcoder2 mamba mamba2 jamba falcon-h1
  xverse command-r cohere2 cohere2moe dbrx olmo olmo2 olmoe muse-glimmer openelm arctic deepseek deepseek2 deepseek2-ocr
  deepseek32 deepseek4 chatglm glm4 glm4moe glm-dsa bitnet jais jais2 nemotron nemotron_h nemotron_h_moe exaone exaone4
  exaone-moe rwkv6 rwkv6qwen2 rwkv7 arwkv7 granite granitemoe granitehybrid graniteswitch granite_swa chameleon
  bailingmoe bailingmoe2 bailingmoe3 dots1 dots3note arcee afmoe laguna ernie4_5 ernie4_5-moe hunyuan-moe hunyuan-dense
  hunyuan_vl hy_v3 smollm3 gpt-oss lfm2 lfm2moe smallthinker seed_oss grovemoe apertus minimax-01
  minimax-m2 minimax-m3 cogvlm pangu-embedded mistral3 mistral4 paddleocr mimo2 step35 maincoder kimi-linear
  kimi-k3 talkie mellum nanbeige`);

const ENCODER = "it encodes text into vectors and cannot write text";
const DIFFUSION = "it fills in a whole text at once (diffusion) and cannot continue one token by token";
const DRAFTER = "it drafts for one larger model and cannot run alone";
const SOUND = "it makes sound, not text";

/** Known architectures that cannot be a member, with the reason. */
const NOT_GENERATIVE: ReadonlyMap<string, string> = new Map(
  Object.entries({
    clip: "it is the image part of another model (mmproj) and cannot write text",
    bert: ENCODER,
    "modern-bert": ENCODER,
    "nomic-bert": ENCODER,
    "nomic-bert-moe": ENCODER,
    "neo-bert": ENCODER,
    "jina-bert-v2": ENCODER,
    "jina-bert-v3": ENCODER,
    eurobert: ENCODER,
    "gemma-embedding": ENCODER,
    "llama-embed": ENCODER,
    t5encoder: ENCODER,
    t5: "it is an encoder-decoder, which translates a finished text and cannot continue one",
    dream: DIFFUSION,
    llada: DIFFUSION,
    "llada-moe": DIFFUSION,
    rnd1: DIFFUSION,
    eagle3: DRAFTER,
    dflash: DRAFTER,
    "gemma4-assistant": DRAFTER,
    "wavtokenizer-dec": SOUND,
    qwen3tts: SOUND,
    pockettts: SOUND,
    plm: "this release of llama.cpp aborts when it runs one",
    gptj: "llama.cpp knows its name and has no implementation of it",
  }),
);

const RECURRENT = new Set(words("mamba mamba2 rwkv6 rwkv6qwen2 rwkv7 arwkv7"));
const HYBRID = new Set(
  words(`jamba falcon-h1 plamo2 granitehybrid lfm2 lfm2moe nemotron_h nemotron_h_moe qwen3next kimi-linear bailingmoe3
    kimi-k3 qwen35 qwen35moe qwen4exp deepseek4 minimax-01`),
);

/** Architectures whose heads may have keys and values of different lengths; the graphs of all others abort on them. */
export const UNEQUAL_HEADS: ReadonlySet<string> = new Set(
  words(`deepseek2 deepseek2-ocr deepseek32 deepseek4 glm-dsa mistral4 dots3note bailingmoe3 kimi-linear
    kimi-k3 minicpm3 mimo2 step35 plamo2 plamo3 gemma4 mamba mamba2 rwkv6 rwkv6qwen2 rwkv7 arwkv7`),
);

/** Architectures whose graph asserts that the rotary position embedding covers a whole head. */
export const FULL_ROPE: ReadonlySet<string> = new Set(
  words(`apertus arcee arctic baichuan bailingmoe chameleon codeshell cogvlm cohere2moe dbrx deci deepseek dots1 ernie4_5
    ernie4_5-moe exaone exaone-moe exaone4 falcon gpt-oss granite granite_swa granitemoe graniteswitch grok grovemoe
    hunyuan-dense hunyuan-moe hunyuan_vl hy_v3 internlm2 jais2 llama llama4 maincoder mellum minicpm mistral3 olmo
    olmo2 olmoe orion paddleocr pangu-embedded plamo qwen2 qwen2moe qwen2vl qwen3 qwen3moe qwen3vl qwen3vlmoe
    seed_oss smallthinker smollm3 starcoder2 talkie xverse`),
);

/** Refuse an architecture that is unknown or cannot write text. */
export function requireGenerative(file: string, architecture: string): void {
  if (GENERATIVE.includes(architecture)) return;
  const reason = NOT_GENERATIVE.get(architecture);
  const details = { found: architecture, allowed: "an architecture that writes text" };
  if (reason !== undefined) {
    throw unsupportedModel(file, `its architecture is "${architecture}": ${reason}.`, Cure.generator, details);
  }
  throw unknownArchitecture(file, architecture);
}

/** Refuse an architecture that makes no vectors of texts: encoders do, and all that write text. */
export function requireEmbedding(file: string, architecture: string): void {
  if (NOT_GENERATIVE.get(architecture) !== ENCODER) requireGenerative(file, architecture);
}

/** Refuse an architecture that llama.cpp does not know; enough for a file that only its vocabulary is wanted of. */
export function requireKnown(file: string, architecture: string): void {
  if (GENERATIVE.includes(architecture) || NOT_GENERATIVE.has(architecture)) return;
  throw unknownArchitecture(file, architecture);
}

function unknownArchitecture(file: string, architecture: string): Error {
  const near = nearestName(architecture, GENERATIVE);
  const hint = near === undefined ? "" : ` (a damaged "${near}"?)`;
  const problem = `its architecture is ${quoted(architecture)}${hint}, which this release of llama.cpp does not know.`;
  return unsupportedModel(file, problem, Cure.update, { found: architecture, nearest: near });
}

export function memoryOf(architecture: string): ModelMemory {
  return RECURRENT.has(architecture) ? "recurrent" : HYBRID.has(architecture) ? "hybrid" : "attention";
}

/** The architecture's name, which every other key begins with. */
export function architectureOf(file: string, found: string | undefined): string {
  if (found !== undefined && found !== "") return found;
  throw invalidModel(file, '"general.architecture" is missing; every model names its architecture.', Cure.convert, {
    key: "general.architecture",
  });
}
