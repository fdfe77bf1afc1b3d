/** Every cascade by its name: what it is, which options it takes, how it starts. One file a cascade in `cascades/`. */
import type { z } from "zod";
import { checkText, readPlain } from "../../read-options.js";
import { entryNamed } from "../../zod-problem.js";
import type { Cascade, CascadeInfo } from "./cascade.js";
import { AutomixCascade, automixInfo, automixOptions } from "./cascades/automix.js";
import { C3poCascade, c3poInfo, c3poOptions } from "./cascades/c3po.js";
import { CascadeRouting, cascadeRoutingInfo, cascadeRoutingOptions } from "./cascades/cascade-routing.js";
import { FrugalGpt, frugalGptInfo, frugalGptOptions } from "./cascades/frugal-gpt.js";
import { LogProbabilityCascade, logProbabilityInfo, logProbabilityOptions } from "./cascades/log-probability.js";
import { ModelCascading, modelCascadingInfo, modelCascadingOptions } from "./cascades/model-cascading.js";
import { MotCascade, motInfo, motOptions } from "./cascades/mot.js";
import { PostHocDeferral, postHocDeferralInfo, postHocDeferralOptions } from "./cascades/post-hoc-deferral.js";
import { QuantileDeferral, quantileDeferralInfo, quantileDeferralOptions } from "./cascades/quantile-deferral.js";
import { RiskControl, riskControlInfo, riskControlOptions } from "./cascades/risk-control.js";
import {
  SemanticAgreementCascade,
  semanticAgreementInfo,
  semanticAgreementOptions,
} from "./cascades/semantic-agreement.js";
import type { CascadeDefinition, TrainedCascade } from "./fitting/trained-cascade.js";

const registry = {
  "log-probability": {
    info: logProbabilityInfo,
    options: logProbabilityOptions,
    create: (options) => new LogProbabilityCascade(options),
  } satisfies CascadeDefinition<typeof logProbabilityOptions>,
  "semantic-agreement": {
    info: semanticAgreementInfo,
    options: semanticAgreementOptions,
    create: (options) => new SemanticAgreementCascade(options),
  } satisfies CascadeDefinition<typeof semanticAgreementOptions>,
  mot: {
    info: motInfo,
    options: motOptions,
    create: (options) => new MotCascade(options),
  } satisfies CascadeDefinition<typeof motOptions>,
  "model-cascading": {
    info: modelCascadingInfo,
    options: modelCascadingOptions,
    create: (options) => new ModelCascading(options),
  } satisfies CascadeDefinition<typeof modelCascadingOptions>,
  "quantile-deferral": {
    info: quantileDeferralInfo,
    options: quantileDeferralOptions,
    create: (options) => new QuantileDeferral(options),
  } satisfies CascadeDefinition<typeof quantileDeferralOptions>,
  "post-hoc-deferral": {
    info: postHocDeferralInfo,
    options: postHocDeferralOptions,
    create: (options) => new PostHocDeferral(options),
  } satisfies CascadeDefinition<typeof postHocDeferralOptions>,
  "frugal-gpt": {
    info: frugalGptInfo,
    options: frugalGptOptions,
    create: (options) => new FrugalGpt(options),
  } satisfies CascadeDefinition<typeof frugalGptOptions>,
  automix: {
    info: automixInfo,
    options: automixOptions,
    create: (options) => new AutomixCascade(options),
  } satisfies CascadeDefinition<typeof automixOptions>,
  "cascade-routing": {
    info: cascadeRoutingInfo,
    options: cascadeRoutingOptions,
    create: (options) => new CascadeRouting(options),
  } satisfies CascadeDefinition<typeof cascadeRoutingOptions>,
  c3po: {
    info: c3poInfo,
    options: c3poOptions,
    create: (options) => new C3poCascade(options),
  } satisfies CascadeDefinition<typeof c3poOptions>,
  "risk-control": {
    info: riskControlInfo,
    options: riskControlOptions,
    create: (options) => new RiskControl(options),
  } satisfies CascadeDefinition<typeof riskControlOptions>,
};

export type CascadeName = keyof typeof registry;

/** A cascade and its options, chosen by `name`: `{ name: "mot", samples: 5 }`. */
export type CascadeOptions = {
  [Name in CascadeName]: { name: Name } & z.input<(typeof registry)[Name]["options"]>;
}[CascadeName];

/** What there is to choose from, in the order of the documentation. */
export const cascadeInfos: readonly CascadeInfo[] = Object.values(registry).map(({ info }) => info);

/**
 * A cascade that has yet to be fitted. LlamafuseError "invalid-option" for an unknown name, an unknown option or a value
 * out of range.
 *
 * ```ts
 * const cascade = createCascade({ name: "quantile-deferral" });
 * await cascade.fit({ table });
 * cascade.next({ query: { text }, answers: [] }).stop; // false: the first model is asked
 * ```
 */
export function createCascade(options: CascadeOptions): Cascade {
  const given = readPlain("The options of createCascade", options, '{ name: "mot", samples: 5 }');
  checkText("The cascade's name", given.name, `a name: ${Object.keys(registry).join(", ")}`);
  return cascadeNamed(given.name, given);
}

/** The same for a name and options that come from a file or a command line. */
export function cascadeNamed(name: string, given: Record<string, unknown> = {}): TrainedCascade {
  const entries: Record<string, CascadeDefinition> = registry;
  const hint = ' "llamafuse cascade list" says what each does.';
  const { entry, options } = entryNamed("cascade", entries, name, given, hint);
  return entry.create(options);
}
