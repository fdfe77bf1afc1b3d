/** Models where some layers see only the last tokens: llama.cpp keeps a cache for each kind of layer. */
import type { Parameters } from "./parameters.js";

const PATTERN = "attention.sliding_window_pattern";

interface Windows {
  /** Whether the architecture has windows even where the file gives no size for them. */
  always: boolean;
  /** One of every so many layers sees everything, unless the file says otherwise; undefined: the file must say. */
  period?: number;
  /** Whether the first layer of a period is the one that sees everything; else the last one is. */
  fullFirst?: boolean;
  /** What llama.cpp reads the pattern as: a period (a list is ignored), a list (a number stands for every layer), or either. */
  pattern: "period" | "list" | "either";
}

const WINDOWS: Readonly<Record<string, Windows>> = {
  afmoe: { always: true, period: 4, pattern: "period" },
  cohere2: { always: true, period: 4, pattern: "period" },
  cohere2moe: { always: true, period: 4, fullFirst: true, pattern: "either" },
  "exaone-moe": { always: true, period: 4, pattern: "period" },
  gemma2: { always: true, period: 2, pattern: "period" },
  gemma3: { always: false, period: 6, pattern: "period" },
  gemma3n: { always: true, period: 5, pattern: "period" },
  gemma4: { always: true, pattern: "list" },
  "gpt-oss": { always: true, period: 2, pattern: "period" },
  granite_swa: { always: true, pattern: "list" },
  laguna: { always: false, period: 4, fullFirst: true, pattern: "period" },
  mellum: { always: false, period: 4, pattern: "either" },
  mimo2: { always: true, pattern: "list" },
  "muse-glimmer": { always: true, period: 4, pattern: "either" },
  olmo2: { always: false, period: 4, pattern: "period" },
  plamo3: { always: false, period: 8, pattern: "period" },
  smallthinker: { always: false, period: 4, fullFirst: true, pattern: "period" },
  step35: { always: true, pattern: "list" },
};

/** An architecture with windows needs a layer that has one: llama.cpp asserts it when it makes the cache. */
export function checkSlidingWindow(parameters: Parameters, layers: number): void {
  if (parameters.architecture === "llama4") {
    requireFullLayer(parameters, layers);
    return;
  }
  const rule = WINDOWS[parameters.architecture];
  if (rule === undefined || (!rule.always && (parameters.uint32("attention.sliding_window") ?? 0) === 0)) return;
  const listed = listedLayers(parameters);
  if (listed !== undefined && rule.pattern !== "period") {
    if (!listed.some((slides) => slides !== 0)) parameters.refuse(PATTERN, "false everywhere", "true for a layer");
    return;
  }
  const said = listed === undefined ? parameters.uint32(PATTERN) : undefined;
  if (rule.period === undefined) {
    if (said === 0) parameters.refuse(PATTERN, 0, "true for a layer");
    return;
  }
  const period = said ?? rule.period;
  const slides = period === 0 || (period > 1 && (!rule.fullFirst || layers > 1));
  if (!slides) parameters.refuse(PATTERN, period, "a period with a sliding layer in it");
}

/** Llama 4 also has a cache for the layers without a window, which must not be empty either. It ignores a list. */
function requireFullLayer(parameters: Parameters, layers: number): void {
  if (parameters.uint32("attention.sliding_window") === 0) return;
  const said = listedLayers(parameters) === undefined ? parameters.uint32(PATTERN) : undefined;
  const period = said ?? 4;
  if (period < 2 || period > layers) parameters.refuse(PATTERN, period, `2 to ${layers}, the number of layers,`);
}

/** The pattern where it is a list of layers and not a period. */
function listedLayers(parameters: Parameters): number[] | undefined {
  const key = parameters.key(PATTERN);
  if (parameters.metadata.entries.get(key)?.type !== "array") return undefined;
  return Array.from(parameters.metadata.array(key, ["bool", "uint32", "int32"])!.numbers() as Int32Array);
}
