/**
 * Weights from what the members reached alone on a development set: DeePEn-Adapt (arXiv 2404.12715).
 *
 *     w_i = s_i / Σ_j s_j        s_i: accuracy or another score, larger is better
 *
 * The formula is the paper's as secondary sources give it [unverified]; the released code takes finished weights.
 * LlamafuseError "invalid-option" for a score of no member, a member without one, and scores that are no weights.
 */
import { LlamafuseError, unknownName } from "../../errors.js";
import { silencedMember } from "../member-option.js";
import type { Voice } from "../method.js";
import { amongAsked, type Weighting } from "./weighting.js";
import { normaliseWeights } from "./weights.js";

export class DevelopmentScores implements Weighting {
  readonly #all: readonly number[];

  constructor(voices: readonly Voice[], scores: Readonly<Record<string, number>>) {
    const names = voices.map(({ member }) => member.name);
    for (const name of Object.keys(scores)) {
      if (names.includes(name)) continue;
      throw voices[0].everyone?.includes(name)
        ? silencedMember(name, "among the scores", names)
        : unknownName("member", name, names);
    }
    const missing = names.find((name) => scores[name] === undefined);
    if (missing !== undefined) {
      throw new LlamafuseError("invalid-option", `The option "scores" has no score for member "${missing}".`, {
        option: "scores",
        found: Object.keys(scores),
        allowed: names,
      });
    }
    this.#all = normaliseWeights(
      names.map((name) => scores[name]),
      names,
    );
  }

  weightsOf(asked: readonly number[]): readonly number[] {
    return amongAsked(this.#all, asked);
  }
}
