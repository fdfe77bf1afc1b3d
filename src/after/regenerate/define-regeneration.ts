/**
 * How a regeneration is defined: members answer one by one, as under a selection, and a rule makes the answer of theirs. It may
 * ask for further rounds, have members judge, and have one write. One call in the method's own file; registry.ts lists them.
 */
import type { z } from "zod";
import type { PromptInput } from "../../decoding/prompt.js";
import type { Candidate } from "../select/candidate.js";
import type { FurtherAsk } from "../select/candidates.js";
import {
  defineRule,
  type RuleDefinition,
  type SelectionContext,
  type SelectionMethod,
  type SelectionSchema,
} from "../select/define-selection.js";
import type { AnswersChunk } from "../select/over-answers.js";

/** Who is to write, and what it reads. */
export interface Writing {
  writer: number;
  /** The first of these that the writer's context holds is read. */
  prompts: readonly PromptInput[];
  /** Whether it goes on behind what it has just been asked: its cache is kept, and space before the first word left out. */
  goesOn?: boolean;
}

/** What a member wrote. */
export interface Written {
  writer: number;
  text: string;
  /** Index of the prompt that it read. */
  read: number;
}

/** What a rule may ask while it works. All of it counts as cost of the answer. */
export interface RegenerationContext {
  readonly prompt: PromptInput;
  /** The prompt's text; of a conversation, the user's last message. */
  readonly question: string;
  readonly members: SelectionContext["members"];
  /** Members that did not fail. */
  readonly alive: readonly number[];
  /** A further round, from 1; its answers, without those that members or contexts failed. */
  ask(round: number, asks: readonly FurtherAsk[]): AsyncGenerator<AnswersChunk, Candidate[], void>;
  /** Do what has members judge, and again without one that fails at it where the others go on. */
  judging<Made>(work: (context: SelectionContext) => Promise<Made>): Promise<Made>;
  /** Undefined if no prompt fits the writer's context. If a writer fails, the next one continues its text. */
  write(writing: Writing): AsyncGenerator<AnswersChunk, Written | undefined, void>;
}

/** What a rule decided. */
export interface Regeneration {
  /** The candidate that is given where nothing was written, or only space. */
  best: Candidate;
  written?: Written | undefined;
  /** What the writer read, in its order; where nothing was written, nothing. */
  read?: readonly Candidate[];
  /** Of candidates that were compared; higher is better. */
  scores?: ReadonlyMap<Candidate, number>;
  /** Why, in one sentence. */
  reason: string;
}

export interface RegenerationRule {
  /** Who answers in the first round. Absent: all. Errors: invalid-option. */
  proposers?(members: SelectionContext["members"]): readonly number[];
  /** How many answers there are over all rounds at most, for so many in the first. Absent: these. */
  planned?(first: number): number;
  /** There are two different candidates or more, none of them blank. Ties go to the first. */
  regenerate(
    candidates: readonly Candidate[],
    context: RegenerationContext,
  ): AsyncGenerator<AnswersChunk, Regeneration, void>;
  /** Free what it loaded. */
  dispose?(): Promise<void>;
}

export function defineRegeneration<const Name extends string, Schema extends SelectionSchema>(
  definition: RuleDefinition<Name, Schema, RegenerationRule>,
): SelectionMethod<Name, z.input<Schema>, RegenerationRule> {
  return defineRule(definition);
}
