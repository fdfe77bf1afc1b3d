/**
 * ABE: agreement-based ensembling (Wicks, Ravisankar, Yang, Koehn and Post, "Token-level Ensembling of Models with
 * Different Vocabularies", arXiv 2502.21265; released code mjpost/abe). Every member says the text in tokens of its own
 * choice, and at any moment what the members have said are beginnings of one text:
 *
 *     max over token sequences T_1 … T_N of one text:  Σ_i w_i · Σ_{t ∈ T_i} ln p_i(t | what i has said)
 *
 * Temperature 0 searches for it, with `beams` hypotheses (see search.ts, search-run.ts); penalties and cuts do not apply to a
 * search and are refused. A positive temperature samples (sample-run.ts), where weights and beams do nothing and are refused. Neither is an alignment with a fusion rule: the members' distributions
 * are never brought into one space, and a given text has no likelihood of its own (Ensemble.score refuses).
 *
 * Default: 5 beams, as released. A beam search gives text when all its hypotheses agree on it, and needs a branch of each
 * member's cache for each beam; `beams: 1` gives text at every step.
 *
 * What differs from the released code:
 * - strings are bytes, cut characters too, and at the start of a fragment a tokenizer's own space is not part of a token;
 *   all end tokens of a member are one, at their summed probability;
 * - a search makes only combinations that agree; `compat` goes through all of them, best first, and stops where the
 *   released code does (abe-released-search.ts). Tokens that disagree with the text are left out in any case, which the
 *   released code does with --trie and which changes nothing but the time.
 *
 * Complete answers are ranked by Σ w_i · c_i, undivided by their lengths, as released: short ones have an advantage.
 */
import { z } from "zod";
import { LlamafuseError } from "../../../errors.js";
import { ByteOrder } from "../../../vocabulary/byte-order.js";
import { defineMethod } from "../../define-method.js";
import type { Voice } from "../../method.js";
import { schemaOptions } from "../../method-options.js";
import { AbeSampleRun } from "./sample-run.js";
import { AbeSearchRun } from "./search-run.js";

/** Each needs as much memory as the member's context. */
const MOST_BEAMS = 32;
const DEFAULT_BEAMS = 5;

export const abe = defineMethod({
  name: "abe",
  summary:
    "Agreement-based: every member scores the text in its own tokens; a search finds text that all rate probable.",
  source: "arXiv 2502.21265",
  requires: "Any vocabularies that can spell the same texts.",
  options: schemaOptions(
    z.strictObject({
      beams: z
        .int()
        .min(1)
        .max(MOST_BEAMS)
        .optional()
        .meta({
          description: `Hypotheses kept at temperature 0, 1 … ${MOST_BEAMS}; 1 streams at every step.`,
          usual: DEFAULT_BEAMS,
        }),
      compat: z
        .boolean()
        .default(false)
        .describe("Search as the released code does: it also visits combinations that disagree, and can stop at one."),
    }),
  ),
  needs: ({ beams = DEFAULT_BEAMS }) => ({ logits: true, branches: beams }),
  saysAhead: true,
  create: (context, { beams, compat }) => {
    requireCommonBytes(context.voices);
    const { greedy, temperature, altering = [], draw } = context;
    if (draw !== undefined && temperature === 0 && altering.length > 0) throw searchesOnly(altering[0]);
    if (greedy) return new AbeSearchRun(context, { beams: beams ?? DEFAULT_BEAMS, compat });
    if (draw !== undefined) {
      if (beams !== undefined && beams > 1) throw samplesOnly("beams", beams, "Hypotheses are kept at temperature 0");
      if (compat) throw samplesOnly("compat", compat, "The released search is one of temperature 0");
      requireEqualWeights(context.voices);
      return new AbeSampleRun(context, draw);
    }
    throw new LlamafuseError(
      "invalid-option",
      "The method abe generates text but cannot score a given text. Score with another method, or grade choices by their letter (choice-letter).",
      { method: "abe" },
    );
  },
  laws: [
    {
      options: { beams: 1 },
      covers: "some",
      exempt: {
        order: "the members take turns",
        "one-text": "every member spells the text in tokens of its own choice, and may not hold all of it yet",
      },
    },
  ],
});

/** A search has no place for penalties and cuts: they would have to act on every member's own scores. */
function searchesOnly(option: string): LlamafuseError {
  return new LlamafuseError(
    "invalid-option",
    `abe at temperature 0 searches for the best text, where ${option} does not apply. Leave it out, or sample with a temperature above 0.`,
    { method: "abe", found: option, allowed: "no penalties or cuts at temperature 0" },
  );
}

function samplesOnly(option: string, found: unknown, why: string): LlamafuseError {
  return new LlamafuseError(
    "invalid-option",
    `The option ${option} of abe does nothing where it samples. ${why}: use that, or leave ${option} out.`,
    { method: "abe", option, found, allowed: "temperature 0" },
  );
}

/** Sampling has the first member lead, whatever the weights are. Error: invalid-option. */
function requireEqualWeights(voices: readonly Voice[]): void {
  const found = voices.map(({ weight }) => weight);
  if (found.every((weight) => Math.abs(weight - found[0]) < 1e-12)) return;
  throw new LlamafuseError(
    "invalid-option",
    "abe does not use weights where it samples: the first member leads. Leave the weights out, or use temperature 0.",
    { method: "abe", option: "weight", found, allowed: "equal weights" },
  );
}

function requireCommonBytes(voices: readonly Voice[]): void {
  const first = voices.map(({ member }) => ByteOrder.of(member.vocabulary).firstBytes());
  if (first[0].some((_, byte) => first.every((has) => has[byte]))) return;
  const names = voices.map(({ member }) => member.name);
  throw new LlamafuseError(
    "incompatible-members",
    `No token of ${names.join(" and ")} begins with the same byte: the method abe needs members that can spell the same texts. Choose other members, or a method without this limit, such as unite.`,
    { members: names },
  );
}
