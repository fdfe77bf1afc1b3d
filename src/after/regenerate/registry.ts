/** Every regeneration by its name. A new one is a file that defines it (define-regeneration.ts) and a line in this list. */
import { ruleNamed, type Selecting, type SelectionInfo, type SelectionMethod } from "../select/define-selection.js";
import type { RegenerationRule } from "./define-regeneration.js";
import { debate } from "./methods/debate.js";
import { llmBlender } from "./methods/llm-blender.js";
import { llmTopla } from "./methods/llm-topla.js";
import { moa, selfMoa } from "./methods/moa.js";
import { urg } from "./methods/urg.js";

/** What there is to choose from, in the order of the documentation. */
export const regenerations = [llmBlender, llmTopla, urg, moa, selfMoa, debate] as const;

type Registered = (typeof regenerations)[number];
type GivenTo<Of> = Of extends SelectionMethod<string, infer Given, RegenerationRule> ? Given : never;

export type RegenerationName = Registered["info"]["name"];

/** A regeneration and its options, chosen by `name`: `{ name: "moa", layers: 2 }`. */
export type RegenerationOptions = {
  [Each in Registered as Each["info"]["name"]]: { name: Each["info"]["name"] } & GivenTo<Each>;
}[RegenerationName];

export type RegenerationInfo = SelectionInfo;

export const regenerationInfos: readonly RegenerationInfo[] = regenerations.map(({ info }) => info);

/** The regeneration that these options name. Error: invalid-option. */
export function regenerationNamed(options: RegenerationOptions): Selecting<RegenerationRule> {
  return ruleNamed(
    regenerations as readonly SelectionMethod<string, unknown, RegenerationRule>[],
    "regeneration",
    options,
  );
}
