/** What a user may ask of the sampler: one schema for the library, ensemble files and the command line. */
import { z } from "zod";
import { LlamafuseError } from "../errors.js";
import { MAX_SEED } from "../random.js";
import { shown } from "../read-options.js";

/** As in llama.cpp, which cuts longer ones. */
const LONGEST_BREAKER = 40;

export interface SamplerOptions {
  /**
   * Probabilities are raised to 1/temperature. Default 0: always the most probable entry.
   * @example { temperature: 0.7 }
   */
  temperature?: number;
  /**
   * The temperature follows the entropy of what is left, from temperature − range to temperature + range. Default 0: fixed.
   * @example { temperature: 0.8, dynamicTemperatureRange: 0.5 }
   */
  dynamicTemperatureRange?: number;
  /** With a range: how entropy maps to temperature. Default 1. */
  dynamicTemperatureExponent?: number;
  /** Keep only this many of the most probable entries. Default 0: all of them. */
  topK?: number;
  /** Keep the smallest set of most probable entries with at least this share of the probability. Default 1: all. */
  topP?: number;
  /** Drop entries less probable than this fraction of the most probable one. Default 0: none. */
  minP?: number;
  /** Keep the entries whose surprise is closest to the entropy, up to this share of the probability. Default 1: all. */
  typicalP?: number;
  /** Drop entries whose logit is more than so many standard deviations below the greatest. Default 0: none. */
  topNSigma?: number;
  /** How often the most probable entries are excluded (XTC), all but the last above the threshold. Default 0: never. */
  xtcProbability?: number;
  /** With XTC: which entries count as top choices. Default 0.1; at most 0.5. */
  xtcThreshold?: number;
  /** Entries that each cut leaves at least (not topK, topNSigma). Default 0: one. */
  minKeep?: number;
  /**
   * Logits of pieces within the window are divided by it where positive, else multiplied; above 1 discourages. Default 1.
   * @example { repetitionPenalty: 1.1 }
   */
  repetitionPenalty?: number;
  /** Subtracted once from the logits of pieces within the window. Default 0. */
  presencePenalty?: number;
  /** Subtracted from the logits of pieces within the window, for each time that they stand there. Default 0. */
  frequencyPenalty?: number;
  /** How many of the last pieces these three look back on, the prompt's end included. Default 64. */
  repetitionWindow?: number;
  /**
   * DRY: what would continue a repeated sequence loses multiplier · base^(length − allowed length). Default 0: off.
   * @example { dryMultiplier: 0.8 }
   */
  dryMultiplier?: number;
  /** With DRY: the base. Default 1.75; at least 1. */
  dryBase?: number;
  /** With DRY: pieces that may repeat unpunished. Default 2. */
  dryAllowedLength?: number;
  /** With DRY: how many of the last pieces it looks back on, the prompt's end included. Default 64. */
  dryWindow?: number;
  /** With DRY: texts that no repeated sequence reaches across. Default newline, colon, quote, asterisk. */
  dryBreakers?: readonly string[];
  /** Mirostat, version 1 or 2, in place of the cuts above. Default 0: off. Needs a temperature. */
  mirostat?: 0 | 1 | 2;
  /** With mirostat: the surprise that it holds, in bits. Default 5. */
  mirostatTau?: number;
  /** With mirostat: its learning rate. Default 0.1. */
  mirostatEta?: number;
  /** The same seed gives the same choices. Default: drawn at random and reported with the result. */
  seed?: number;
}

/** Every option with a value; only the seed may be left to chance. */
export type CheckedSamplerOptions = Required<Omit<SamplerOptions, "seed">> & Pick<SamplerOptions, "seed">;

const DEFAULTS: CheckedSamplerOptions = {
  temperature: 0,
  dynamicTemperatureRange: 0,
  dynamicTemperatureExponent: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  typicalP: 1,
  topNSigma: 0,
  xtcProbability: 0,
  xtcThreshold: 0.1,
  minKeep: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  repetitionWindow: 64,
  dryMultiplier: 0,
  dryBase: 1.75,
  dryAllowedLength: 2,
  dryWindow: 64,
  dryBreakers: ["\n", ":", '"', "*"],
  mirostat: 0,
  mirostatTau: 5,
  mirostatEta: 0.1,
  seed: undefined,
};

interface FieldMeta {
  /** One sentence. */
  description: string;
  /** What the value must be, in words. */
  allowed: string;
}

const field = <Type extends z.ZodType>(type: Type, description: string, allowed: string) =>
  type.optional().meta({ description, allowed } satisfies FieldMeta);

const SHARE = "a number above 0 and at most 1";
const share = z.number().gt(0).lte(1);
const count = z.int().min(0);
const breaker = z
  .string()
  .refine((text) => text !== "" && Buffer.byteLength(text) <= LONGEST_BREAKER)
  .meta({ description: "A text." });

/** Option → its type and what it is; none has a default here, so that absent stays absent. */
export const samplerFields = {
  temperature: field(z.number().min(0), "0 takes the most probable text at every step.", "a finite number >= 0"),
  dynamicTemperatureRange: field(
    z.number().min(0),
    "The temperature follows the entropy within this range around it; 0 fixes it.",
    "a finite number >= 0",
  ),
  dynamicTemperatureExponent: field(
    z.number().gt(0),
    "With dynamicTemperatureRange: how entropy maps to temperature.",
    "a finite number above 0",
  ),
  topK: field(count, "Sample from this many top candidates; 0 for all.", "an integer >= 0 (0 keeps all)"),
  topP: field(share, "Sample from the top candidates that together hold this probability.", SHARE),
  minP: field(
    z.number().min(0).lt(1),
    "Drop candidates below this fraction of the best one.",
    "a number at least 0 and below 1",
  ),
  typicalP: field(share, "Sample from the candidates of the most typical surprise that hold this probability.", SHARE),
  topNSigma: field(
    z.number().min(0),
    "Drop candidates more than so many standard deviations below the best logit; 0 for none.",
    "a finite number >= 0",
  ),
  xtcProbability: field(
    z.number().min(0).max(1),
    "XTC: how often the top candidates above the threshold are excluded, all but the last.",
    "a number from 0 to 1",
  ),
  xtcThreshold: field(
    z.number().gt(0).max(0.5),
    "With xtcProbability: the probability from which a candidate is a top one.",
    "a number above 0 and at most 0.5",
  ),
  minKeep: field(count, "Candidates that each cut but topK and topNSigma leaves at least.", "an integer >= 0"),
  repetitionPenalty: field(
    z.number().gt(0),
    "Divides positive logits of repeated pieces, multiplies negative ones; above 1 discourages repetition.",
    "a finite number above 0",
  ),
  presencePenalty: field(z.number(), "Subtracted once from the logits of repeated pieces.", "a finite number"),
  frequencyPenalty: field(
    z.number(),
    "Subtracted from the logits of repeated pieces for each time they occur.",
    "a finite number",
  ),
  repetitionWindow: field(
    count,
    "Last pieces that these penalties look back on, prompt included; 0 turns them off.",
    "an integer >= 0",
  ),
  dryMultiplier: field(
    z.number().min(0),
    "DRY: penalty on continuing a repeated sequence; 0 turns it off.",
    "a finite number >= 0",
  ),
  dryBase: field(z.number().min(1), "With dryMultiplier: how fast it grows with the length.", "a finite number >= 1"),
  dryAllowedLength: field(count, "With dryMultiplier: pieces that may repeat without penalty.", "an integer >= 0"),
  dryWindow: field(
    z.int().min(1),
    "With dryMultiplier: last pieces that it looks back on, prompt included.",
    "an integer >= 1",
  ),
  dryBreakers: field(
    z.array(breaker),
    "With dryMultiplier: texts that no repeated sequence reaches across.",
    `a list of texts of 1 to ${LONGEST_BREAKER} bytes`,
  ),
  mirostat: field(
    z.union([z.literal(0), z.literal(1), z.literal(2)]),
    "Mirostat, version 1 or 2, instead of the cuts; 0 turns it off.",
    "0, 1 or 2",
  ),
  mirostatTau: field(
    z.number().gt(0),
    "With mirostat: the surprise that it holds, in bits.",
    "a finite number above 0",
  ),
  mirostatEta: field(z.number().gt(0), "With mirostat: its learning rate.", "a finite number above 0"),
  seed: field(z.int().min(0).max(MAX_SEED), "Repeats a sampled answer exactly.", `an integer from 0 to ${MAX_SEED}`),
} as const satisfies Record<keyof SamplerOptions, z.ZodType>;

export type SamplerOption = keyof SamplerOptions;

/** In the order of the documentation. */
export const SAMPLER_OPTIONS = Object.keys(samplerFields) as readonly SamplerOption[];

/** What an option is, what it may be and its default, in words. */
export function aboutSamplerOption(option: SamplerOption): FieldMeta & { usual: unknown } {
  return { ...(samplerFields[option].meta() as unknown as FieldMeta), usual: DEFAULTS[option] };
}

/** Options without effect unless another one is on: those of each group, and the switch. */
const DEPENDENT: readonly [
  options: readonly SamplerOption[],
  needs: string,
  isOn: (o: CheckedSamplerOptions) => boolean,
][] = [
  [
    ["dynamicTemperatureExponent"],
    "dynamicTemperatureRange above 0",
    ({ dynamicTemperatureRange }) => dynamicTemperatureRange > 0,
  ],
  [["xtcThreshold"], "xtcProbability above 0", ({ xtcProbability }) => xtcProbability > 0],
  [
    ["dryBase", "dryAllowedLength", "dryWindow", "dryBreakers"],
    "dryMultiplier above 0",
    ({ dryMultiplier }) => dryMultiplier > 0,
  ],
  [["mirostatTau", "mirostatEta"], "mirostat 1 or 2", ({ mirostat }) => mirostat > 0],
  [
    ["mirostat"],
    "a temperature above 0: at 0 the most probable text is taken",
    ({ mirostat, temperature }) => mirostat === 0 || temperature > 0,
  ],
];

/** What mirostat takes the place of, as in llama.cpp. */
const REPLACED_BY_MIROSTAT: readonly SamplerOption[] = [
  "dynamicTemperatureRange",
  "topK",
  "topP",
  "minP",
  "typicalP",
  "topNSigma",
  "xtcProbability",
  "minKeep",
  "repetitionPenalty",
  "presencePenalty",
  "frequencyPenalty",
  "dryMultiplier",
];

/** Fill in the defaults; LlamafuseError "invalid-option" names the option, what was found and what is allowed. */
export function checkSamplerOptions(options: SamplerOptions = {}): CheckedSamplerOptions {
  const checked: Record<string, unknown> = {};
  for (const option of SAMPLER_OPTIONS) {
    const found: unknown = options[option];
    if (found !== undefined && !samplerFields[option].safeParse(found).success) {
      const { allowed } = aboutSamplerOption(option);
      throw refusal(option, found, `${option} must be ${allowed}; found ${shown(found)}.`, allowed);
    }
    checked[option] = Array.isArray(found) ? [...found] : (found ?? DEFAULTS[option]);
  }
  const all = checked as unknown as CheckedSamplerOptions;
  for (const [dependent, needs, isOn] of DEPENDENT) {
    const given = dependent.find((option) => differs(all, option));
    if (given === undefined || isOn(all)) continue;
    throw refusal(given, all[given], `${given} does nothing without ${needs}. Give that too, or leave it out.`, needs);
  }
  const replaced = all.mirostat === 0 ? undefined : REPLACED_BY_MIROSTAT.find((option) => differs(all, option));
  if (replaced !== undefined) {
    const message = `${replaced} does nothing with mirostat, which takes the place of cuts and penalties. Leave one of them out.`;
    throw refusal(replaced, all[replaced], message, `${shown(DEFAULTS[replaced])} with mirostat`);
  }
  return all;
}

/** Whether an option is another than the default, so that checked options can be checked again. */
function differs(options: CheckedSamplerOptions, option: SamplerOption): boolean {
  return shown(options[option]) !== shown(DEFAULTS[option]);
}

function refusal(option: string, found: unknown, message: string, allowed: string): LlamafuseError {
  return new LlamafuseError("invalid-option", message, { option, found, allowed });
}
