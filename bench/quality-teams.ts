/**
 * Who is fused in `bench quality`, and by which methods: members that know different things and share no vocabulary, that
 * differ in strength, of which one is the other fine-tuned, and the three roles of proxy tuning.
 */

import type { MethodName, MethodOptions } from "../src/during/methods.js";
import type { SwitchingMethod } from "../src/during/token/switch/saved-model.js";
import { everyMethod } from "../src/evaluation/contenders.js";
import type { NativeName } from "../src/native-models.js";

/** A switching model that is trained on the development split before the test questions are asked. */
export interface TeamSwitch {
  method: SwitchingMethod;
  /** The aligned member of cds, the small one of citer. */
  leader: NativeName;
  other: NativeName;
  /** Rows with it: the options beside the model, none for the defaults. */
  rows: readonly Record<string, unknown>[];
}

export interface Team {
  name: string;
  /** In the order of the methods' roles: expert and amateur; aligned and knowledge; base, tuned and untuned. */
  members: readonly NativeName[];
  methods: readonly MethodOptions[];
  /** Methods that would run and mean nothing: why. Those that cannot run say so themselves. */
  unsuited?: Partial<Record<MethodName, string>>;
  switches: readonly TeamSwitch[];
  /** Whether the methods that are meant for it are sampled, too. */
  isSampled: boolean;
}

/** What is judged by samples: `me` draws a member at every step, and what it draws from is gac's mean. */
export const SAMPLED: readonly MethodOptions[] = [{ name: "me" }, { name: "gac" }];

/** Every method with its defaults. `me` is sampled, citer's router is trained, and the default fusion is unite. */
function defaults(unsuited: Team["unsuited"] = {}): MethodOptions[] {
  const left = new Set(["me", "citer", "fusion", ...Object.keys(unsuited)]);
  return everyMethod().filter(({ name }) => !left.has(name));
}

/** Methods under a guard, which leaves the best member alone where the others add nothing. */
function guarded(...names: readonly MethodName[]): MethodOptions[] {
  return names.map((method) => ({ name: "guard", method }));
}

const NO_PROXY = { proxy: "no member is the untuned twin of another" };
const NO_CDS = { cds: "no member is a tuned version of the other" };
const NO_AMATEUR = {
  contrast: "no member is a weaker version of the other",
  citer: "no member is larger than the other",
};

export const TEAMS: readonly Team[] = [
  {
    name: "experts",
    members: ["robin", "wren", "finch"],
    unsuited: { ...NO_PROXY, citer: NO_AMATEUR.citer },
    methods: [
      ...defaults(NO_PROXY),
      { name: "gac", gate: "threshold" },
      { name: "gac", compat: true },
      { name: "unite", compat: true },
      { name: "packllm", variant: "opt" },
      { name: "eva", fusion: "linear" },
      { name: "abe", beams: 1 },
      { name: "safe", sharpen: "none" },
      { name: "safe", alignment: { name: "union" } },
      { name: "core", main: "none" },
      { name: "core", alignment: { name: "union" } },
      { name: "fusion", rule: { name: "product" }, weights: { name: "perplexity" } },
      { name: "fusion", rule: { name: "core" }, weights: { name: "perplexity" } },
      { name: "fusion", alignment: { name: "relative" }, rule: { name: "product" } },
      { name: "fusion", rule: { name: "minimum" } },
      { name: "sweetspan", words: 1 },
      { name: "cool-fusion", granularity: "both" },
      { name: "specfuse", weighting: "hedge", exit: false },
      { name: "spans", until: "words", words: 4 },
      ...guarded("gac", "product", "core", "deepen", "eva", "packllm", "cool-fusion"),
    ],
    switches: [],
    isSampled: true,
  },
  {
    name: "strong and weak",
    members: ["raven", "sparrow"],
    unsuited: NO_CDS,
    methods: [
      ...defaults(NO_CDS),
      { name: "gac", gate: "threshold" },
      { name: "purify", form: "max" },
      { name: "contrast", form: "difference" },
      ...guarded("gac", "product", "core", "deepen", "eva", "packllm", "cool-fusion"),
    ],
    switches: [
      {
        method: "citer",
        leader: "sparrow",
        other: "raven",
        rows: [{}, { threshold: 0.5 }, { threshold: 0.95 }],
      },
    ],
    isSampled: true,
  },
  {
    name: "siblings",
    members: ["swift", "sparrow"],
    unsuited: NO_AMATEUR,
    methods: [
      ...defaults(NO_AMATEUR),
      { name: "cds", classifier: "entity" },
      { name: "purify", form: "max" },
      ...guarded("gac", "cds"),
    ],
    switches: [{ method: "cds", leader: "swift", other: "sparrow", rows: [{}] }],
    isSampled: false,
  },
  {
    name: "base, tuned and untuned",
    members: ["raven", "swift", "sparrow"],
    methods: [{ name: "proxy" }, { name: "proxy", strength: 0.5 }, { name: "gac" }, { name: "product" }],
    switches: [],
    isSampled: false,
  },
];
