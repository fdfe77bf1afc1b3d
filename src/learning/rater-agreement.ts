/**
 * Scores from raters who differ, as LLM-PeerReview weighs its judges (arXiv 2512.23213): Dawid–Skene EM whose classes are the
 * scores 1 … S, without priors, then the posterior sharpened and averaged:
 *
 *     T_ik ∝ Π_j C^j_{k, rating_ij};   score_i = Σ_k k · T_ik^(1/t) / Σ_k T_ik^(1/t)
 *
 * As in the published code: rows of C without mass are 0, ends after `passes` or five passes in a row in which no item's
 * likeliest score changes. Smoothing is ours: with 0, as published, an item whose ratings rule out every score is NaN.
 */

export interface AgreementOptions {
  /** S. */
  scores: number;
  /** Default 10. */
  passes?: number;
  /** t; below 1 sharpens. Default 0.5. */
  temperature?: number;
  /** Added to each cell of the confusions. Default 0. */
  smoothing?: number;
}

/** Passes without a change that end it. */
const PATIENCE = 5;
/** What the published code divides an empty row by. */
const NO_MASS = 1e-5;

/** ratings: items × raters, whole numbers from 1 to S. */
export function agreedScores(
  ratings: readonly (readonly number[])[],
  { scores, passes = 10, temperature = 0.5, smoothing = 0 }: AgreementOptions,
): number[] {
  const classes = Array.from({ length: scores }, (_, k) => k);
  const raters = ratings[0]?.length ?? 0;
  let posteriors = ratings.map((row) => classes.map((k) => row.filter((rating) => rating === k + 1).length / raters));
  let unchanged = 0;
  for (let pass = 0; pass < passes && unchanged < PATIENCE; pass++) {
    const confusion = Array.from({ length: raters }, (_, rater) =>
      classes.map((truth) => {
        const row = classes.map(() => smoothing);
        for (const [item, rated] of ratings.entries()) row[rated[rater] - 1] += posteriors[item][truth];
        const mass = row.reduce((sum, each) => sum + each, 0);
        return row.map((each) => each / (mass || NO_MASS));
      }),
    );
    const next = ratings.map((row) => {
      const joint = classes.map((truth) =>
        row.reduce((product, rating, rater) => product * confusion[rater][truth][rating - 1], 1),
      );
      const sum = joint.reduce((total, each) => total + each, 0);
      return joint.map((each) => each / sum);
    });
    const isSame = next.every((row, item) => likeliest(row) === likeliest(posteriors[item]));
    unchanged = isSame ? unchanged + 1 : 0;
    posteriors = next;
  }
  return posteriors.map((row) => {
    const largest = Math.max(...row);
    const sharp = row.map((each) => (each / largest) ** (1 / temperature));
    const total = sharp.reduce((sum, each) => sum + each, 0);
    return sharp.reduce((sum, each, k) => sum + ((k + 1) * each) / total, 0);
  });
}

function likeliest(row: readonly number[]): number {
  return row.reduce((best, each, k) => (each > row[best] ? k : best), 0);
}

/** The first `count` scores in a text, as published: 0 counts as 1, what is above `most` is skipped. */
export function scoresIn(text: string, count: number, most: number): number[] {
  const found = Array.from(text.matchAll(/\d+/g), ([digits]) => Number(digits)).filter((score) => score <= most);
  return found.map((score) => Math.max(1, score)).slice(0, count);
}
