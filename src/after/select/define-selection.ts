/**
 * How a selection is defined: members answer one by one, several times where they sample, and a rule chooses one of the
 * answers. One call in the method's own file; registry.ts lists them.
 */
import { z } from "zod";
import type { ChatMessage, PromptInput } from "../../decoding/prompt.js";
import type { MethodInfo } from "../../during/method.js";
import { schemaOptions } from "../../during/method-options.js";
import { unknownName } from "../../errors.js";
import type { Candidate } from "./candidate.js";

/** What a rule may ask while it chooses. All of it counts as cost of the answer. */
export interface SelectionContext {
  readonly prompt: PromptInput;
  /** The prompt's text; of a conversation, the user's last message. */
  readonly question: string;
  readonly members: readonly { readonly name: string; readonly weight: number }[];
  /** Members that can be asked: indexes, without those that failed. */
  readonly judges: readonly number[];
  readonly seed: number;
  readonly signal: AbortSignal;
  /** ln p(text | prompt) in nats, under a member. */
  likelihood(member: number, text: string): Promise<number>;
  /**
   * How a member's belief is shared among a few answers to a question of ours, put in its chat template, or behind the last
   * words of a conversation; all 0 where it can give none of them. Nothing is generated: the answers' probabilities are read.
   */
  labelShares(
    member: number,
    question: string | readonly ChatMessage[],
    labels: readonly string[],
  ): Promise<Float64Array>;
}

/** What a rule decided. */
export interface Selection {
  /** Index of a candidate. */
  chosen: number;
  /** One for each candidate; higher is better. */
  scores: readonly number[];
  /** Why, in one sentence. */
  reason: string;
}

export interface SelectionRule {
  /** There are two candidates or more, none of them blank. Ties go to the first. */
  select(candidates: readonly Candidate[], context: SelectionContext): Selection | Promise<Selection>;
  /** Whether `left` more candidates cannot change the choice. `candidates`: in order, blank ones too. Absent: never. */
  isSettled?(candidates: readonly Candidate[], left: number, question: string): boolean;
  /** Free what it loaded. */
  dispose?(): Promise<void>;
}

/** One way to ask the question. */
export interface Expert {
  name: string;
  /** The prompt in this way. */
  ask(prompt: PromptInput): PromptInput;
}

/** What stands over answers is defined alike, whatever its rule makes of them. */
export interface RuleDefinition<Name extends string, Schema extends SelectionSchema, Rule> {
  name: Name;
  /** One line. */
  summary: string;
  /** Paper, with arXiv id or venue; "-" where there is none. */
  source: string;
  /** What members it takes, in plain words. */
  requires: string;
  /** With `samples` and `temperature`: see `sampling`. */
  options: Schema;
  /** The ways to ask. Default: as it is. */
  experts?(options: z.output<Schema>): readonly Expert[];
  create(options: z.output<Schema>): Rule;
  /** Options to check the laws under, and the laws that cannot hold then, each with the reason. At least one. */
  laws: readonly SelectionLaws<z.input<Schema>>[];
}

export type SelectionSchema = z.ZodObject<ReturnType<typeof sampling>>;

/** The laws that a selection may be exempt from (test/laws/selections.test.ts). `order`: members' order makes no difference. */
export interface SelectionLaws<Given> {
  options?: Partial<Given>;
  /** Whether it learns from a table, which the laws give it. */
  learns?: true;
  exempt?: Readonly<Partial<Record<"order", string>>>;
}

export interface SelectionInfo extends MethodInfo {}

export interface Selecting<Rule = SelectionRule> {
  readonly info: SelectionInfo;
  /** How often each member answers, each time once for every expert. */
  readonly samples: number;
  /** Of the samples, where the request sets none. */
  readonly temperature: number;
  readonly experts: readonly Expert[];
  createRule(): Rule;
}

/** A selection as it was defined. */
export interface SelectionMethod<Name extends string = string, Given = unknown, Rule = SelectionRule> {
  readonly info: SelectionInfo & { name: Name };
  readonly laws: readonly SelectionLaws<Given>[];
  /** With these options, checked. Error: invalid-option. */
  withOptions(given: Given): Selecting<Rule>;
}

const MOST_SAMPLES = 1000;
const AS_IT_IS: readonly Expert[] = [{ name: "", ask: (prompt) => prompt }];

/** The options that all selections have: how many answers each member gives, and how they differ. */
export function sampling(samples: number, temperature: number) {
  return {
    samples: z
      .int()
      .min(1)
      .max(MOST_SAMPLES)
      .default(samples)
      .meta({ description: "Answers of each member. One is the member's answer to the request as it is." }),
    temperature: z
      .number()
      .positive()
      .default(temperature)
      .meta({ description: "Temperature of several samples, where the request sets none." }),
  };
}

export function defineSelection<const Name extends string, Schema extends SelectionSchema>(
  definition: RuleDefinition<Name, Schema, SelectionRule>,
): SelectionMethod<Name, z.input<Schema>> {
  return defineRule(definition);
}

export function defineRule<const Name extends string, Schema extends SelectionSchema, Rule>(
  definition: RuleDefinition<Name, Schema, Rule>,
): SelectionMethod<Name, z.input<Schema>, Rule> {
  const { name, summary, source, requires, options: schema, experts, create, laws } = definition;
  const { texts, parts, check } = schemaOptions(schema);
  return {
    info: { name, summary, source, requires, options: texts, parts },
    laws,
    withOptions: (given) => {
      const plain = (given ?? {}) as z.input<Schema>;
      const unknown = Object.keys(plain).find((option) => !Object.hasOwn(texts, option));
      if (unknown !== undefined) throw unknownName(`option of ${name}`, unknown, Object.keys(texts));
      const options = check(plain, name) as z.output<Schema>;
      const { samples, temperature } = options as { samples: number; temperature: number };
      // What a rule would refuse is refused now.
      create(options);
      return {
        info: { name, summary, source, requires, options: texts, parts },
        samples,
        temperature,
        experts: experts?.(options) ?? AS_IT_IS,
        createRule: () => create(options),
      };
    },
  };
}

/** The rule of this name among those of one kind, with its options. Error: invalid-option. */
export function ruleNamed<Rule>(
  rules: readonly SelectionMethod<string, unknown, Rule>[],
  kind: string,
  { name, ...options }: { name: string },
): Selecting<Rule> {
  const rule = rules.find(({ info }) => info.name === name);
  if (rule !== undefined) return rule.withOptions(options);
  throw unknownName(
    kind,
    String(name),
    rules.map(({ info }) => info.name),
  );
}

/** The first of the largest scores; what is no number is never chosen where another is. */
export function firstBest(scores: ArrayLike<number>): number {
  let best = 0;
  for (let index = 1; index < scores.length; index++) {
    if (scores[index] > scores[best] || (Number.isNaN(scores[best]) && !Number.isNaN(scores[index]))) best = index;
  }
  return best;
}
