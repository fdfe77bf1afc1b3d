/** A method put together from an alignment, a fusion rule, weights and a schedule. */
import type { z } from "zod";
import { LlamafuseError } from "../../../errors.js";
import { type AlignmentOptions, alignmentOf, alignmentOptions, buildAlignment } from "../../alignments/alignments.js";
import type { BuildOptions } from "../../alignments/build/pool.js";
import type { OptionSet } from "../../define-method.js";
import { FusionRun } from "../../fusion-run.js";
import type { MethodContext, MethodRun, Voice } from "../../method.js";
import { schemaOptions } from "../../method-options.js";
import { allNeeds, haveOneVocabulary, type MethodNeeds, type Place } from "../../needs.js";
import type { Roles } from "../../roles.js";
import type { RuleDefinition } from "../../rules/define-rule.js";
import { requirePositive } from "../../rules/quotient.js";
import { type RuleOptions, ruleOf } from "../../rules/rules.js";
import { gateOf, type ScheduleOptions } from "../../schedules/schedules.js";
import { type WeightingOptions, weightingOf } from "../../weightings/weightings.js";

export interface Composition {
  alignment: AlignmentOptions;
  rule: RuleOptions;
  /** Default: the members' own. */
  weights?: WeightingOptions;
  /** Default: all members at every step. */
  schedule?: ScheduleOptions;
}

const GIVEN: WeightingOptions = { name: "given" };

/** Errors: invalid-option, incompatible-members for parts that do not go together. */
export function needsOf(composition: Composition, { voices }: Pick<Place, "voices">): MethodNeeds {
  const space = alignmentOf(composition.alignment);
  const fused = ruleOf(composition.rule);
  const weighed = weightingOf(composition.weights ?? GIVEN);
  checkTogether(composition);
  if (fused.rule.roles !== undefined) requirePositive(voices, fused.rule.name, space.alignment);
  return allNeeds(
    space.alignment.needs(space.options),
    fused.rule.needs?.(fused.options) ?? {},
    weighed.weighting.needs?.(weighed.options) ?? {},
  );
}

/** Errors: invalid-option, incompatible-members. */
export function createComposed(context: MethodContext, composition: Composition): MethodRun {
  const { voices, greedy, traceTop } = context;
  const { weights = GIVEN, schedule } = composition;
  const { alignment, options } = alignmentOf(composition.alignment);
  const { rule, options: ruleOptions } = ruleOf(composition.rule);
  const { weighting, options: weightingOptions } = weightingOf(weights);
  checkTogether(composition);
  if (alignment.createRun !== undefined) {
    const parts = {
      rule: rule.create(context, ruleOptions, alignment),
      weighting: weighting.create(voices, weightingOptions),
    };
    return alignment.createRun(context, options, parts);
  }
  const onlyLikeliest = rule.name === "mean" && greedy && traceTop === 0;
  const space = alignment.create!(context, options, { onlyLikeliest });
  return new FusionRun(context, {
    alignment: space,
    rule: rule.create(context, ruleOptions, alignment),
    weighting: weighting.create(voices, weightingOptions, space),
    gate: schedule && gateOf(schedule, voices),
  });
}

/** Whether rule and weights, and alignment, weights and schedule go together. Error: invalid-option. */
function checkTogether({ alignment: { name }, rule, weights = GIVEN, schedule }: Composition): void {
  const { roles, ignoresWeights } = ruleOf(rule).rule;
  if ((roles !== undefined || ignoresWeights) && weights.name !== "given") {
    throw new LlamafuseError(
      "invalid-option",
      `The rule "${rule.name}" ${roles === undefined ? "takes no notice of weights" : "uses roles"}, so the weights "${weights.name}" do not apply. Leave them out, or use the rule "mean", "product" or "core".`,
      { option: "weights", found: weights.name, allowed: ["given"] },
    );
  }
  if (name !== "relative") return;
  const refuse = (option: string, found: string, why: string, allowed: string) =>
    new LlamafuseError(
      "invalid-option",
      `The alignment "${name}" does not work with the ${option} "${found}": ${why}. Use "${allowed}", or another alignment.`,
      { option, found, allowed: [allowed] },
    );
  if (schedule !== undefined && schedule.name !== "every-step")
    throw refuse("schedule", schedule.name, "its search needs all members", "every-step");
  if (weights.name === "perplexity-search")
    throw refuse("weights", weights.name, "it has no tokens to compare mixtures by", "perplexity");
}

type Aligned = { alignment?: AlignmentOptions };
type GivenAligned = { alignment?: z.input<typeof alignmentOptions> };

const TOP_UNION: AlignmentOptions = alignmentOptions.parse(undefined);

/** An alignment that is chosen by the members where none is named. */
const byVocabulary = alignmentOptions
  .unwrap()
  .optional()
  .meta({ ...alignmentOptions.meta(), usual: "one-vocabulary where all members share one, else top-union" });

export interface OfRuleOptions {
  /** Whether members of one vocabulary are fused over all of it, and get token ids back, where no alignment is named. */
  wholeVocabulary?: boolean;
}

/** What a method is that is one rule on any alignment; the rule's options are the method's own. */
export function ofRule<Name extends string, Schema extends z.ZodObject>(
  definition: RuleDefinition<Name, Schema>,
  { wholeVocabulary = false }: OfRuleOptions = {},
) {
  const schema = definition.options.safeExtend({ alignment: wholeVocabulary ? byVocabulary : alignmentOptions });
  const usual = (voices: readonly Voice[]): AlignmentOptions =>
    wholeVocabulary && haveOneVocabulary(voices) ? { name: "one-vocabulary" } : TOP_UNION;
  const composed = ({ alignment, ...own }: Aligned, voices: readonly Voice[]): Composition => ({
    alignment: alignment ?? usual(voices),
    rule: { name: definition.name, ...own } as unknown as RuleOptions,
  });
  const roles: Roles | undefined = definition.roles && {
    of: definition.name,
    names: definition.roles,
    instead: "a method such as unite",
  };
  return {
    options: schemaOptions(schema) as unknown as OptionSet<z.output<Schema> & Aligned, z.input<Schema> & GivenAligned>,
    needs: (options: Aligned, place: Place) => needsOf(composed(options, place.voices), place),
    roles: () => roles,
    create: (context: MethodContext, options: Aligned) => createComposed(context, composed(options, context.voices)),
    build: (voices: readonly Voice[], { alignment }: Aligned, run: BuildOptions) =>
      buildAlignment(voices, alignment ?? usual(voices), run),
  };
}
