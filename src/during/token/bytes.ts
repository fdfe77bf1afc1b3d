/**
 * Byte-level fusion: members with any vocabularies meet at the next byte, of which each one's tokens induce an exact
 * distribution. Alignment "bytes" with the rule that is named; "mean" is the mixture, "product" the product of experts.
 *
 *     p(b) = Σ_i w_i P_i(b | text)   or   Π_i P_i(b | text)^(w_i) / Z        b: a byte or the end
 *
 * Sources: Phan and others, arXiv 2410.09303 (exact byte probabilities, mean); Hayase and others, "Sampling from Your
 * Language Model One Byte at a Time", arXiv 2506.14123 (mixture and product); genlm-bytes (the beam). See
 * alignments/bytes for the distribution, for what pruning does to it, and for what is ours.
 *
 * Defaults: the mixture; 4 tokenisations a member; all tokenisations, not only those that the tokenizer would write, which
 * measured worse at the same cost (bench/results/bytes.json); the prompt's last token is spelt anew, so that a prompt may end
 * inside a word.
 */
import { z } from "zod";
import { bytes as bytesAlignment, OWN_TOKENS } from "../alignments/bytes/definition.js";
import { defineMethod } from "../define-method.js";
import { schemaOptions } from "../method-options.js";
import type { Place } from "../needs.js";
import { ruleOf, ruleOptions } from "../rules/rules.js";
import { weightingOptions } from "../weightings/weightings.js";
import { type Composition, createComposed, needsOf } from "./fusion/compose.js";

const options = z.strictObject({
  rule: ruleOptions,
  weights: weightingOptions,
  ...bytesAlignment.options.shape,
});

export const bytes = defineMethod({
  name: "bytes",
  summary: "The next byte, to which each member's tokenisations add up: mixture or product, exact across vocabularies.",
  source: "arXiv 2506.14123, 2410.09303",
  requires: "Any vocabularies; a context for each tokenisation kept.",
  options: schemaOptions(options),
  needs: (given, place: Place) => needsOf(composed(given), place),
  roles: ({ rule }) => {
    const names = ruleOf(rule).rule.roles;
    return names && { of: `The rule "${rule.name}"`, names, instead: 'the rule "mean"' };
  },
  saysBytes: true,
  create: (context, given) => createComposed(context, composed(given)),
  laws: [
    { covers: "some", exempt: { "one-text": OWN_TOKENS } },
    {
      options: { rule: "product", weights: "perplexity", beam: 1 },
      covers: "some",
      exempt: { "one-text": OWN_TOKENS },
    },
    {
      options: { rule: "core", canonical: true },
      covers: "some",
      exempt: { "one-text": OWN_TOKENS, order: "the main member counts at least as much as all others" },
    },
  ],
});

function composed({ rule, weights, ...alignment }: z.output<typeof options>): Composition {
  return { alignment: { name: "bytes", ...alignment }, rule, weights };
}
