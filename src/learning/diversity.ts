/**
 * How differently models err. Of L models on N samples, p_i is the share of samples that exactly i of them get wrong:
 *
 *     generalised diversity = 1 − P(2) / P(1),   P(1) = Σ i/L p_i,   P(2) = Σ i(i − 1) / (L(L − 1)) p_i
 *     focal diversity of model f = the same on the samples that f gets wrong (Wu et al.; LLM-TOPLA, arXiv 2410.03953)
 *
 * 1: never two wrong at once; 0: all wrong together. Numbers are as in github.com/git-disl/EnsembleBench, except that there is
 * a value where nobody errs (1) and where there are fewer samples than models.
 */

/** wrong: models × samples. */
export type Errors = readonly (readonly boolean[])[];

export function generalisedDiversity(wrong: Errors): number {
  const models = wrong.length;
  const samples = wrong[0].length;
  let one = 0;
  let two = 0;
  for (let sample = 0; sample < samples; sample++) {
    const failures = wrong.filter((row) => row[sample]).length;
    one += failures / models;
    two += (failures * (failures - 1)) / (models * (models - 1));
  }
  return one === 0 || models < 2 ? 1 : 1 - two / one;
}

/** Of each model; 1 where it never errs. */
export function focalDiversities(wrong: Errors): number[] {
  return wrong.map((focal) => {
    const places = Array.from(focal.keys()).filter((sample) => focal[sample]);
    return generalisedDiversity(wrong.map((row) => places.map((sample) => row[sample])));
  });
}

/** The mean over the models of a team. */
export function focalDiversity(wrong: Errors): number {
  const each = focalDiversities(wrong);
  return each.reduce((sum, value) => sum + value, 0) / each.length;
}

/** Of two models: both right, both wrong, only the second right, only the first right. */
interface Pair {
  both: number;
  neither: number;
  second: number;
  first: number;
}

function meanOverPairs(wrong: Errors, measure: (pair: Pair) => number): number {
  const values: number[] = [];
  for (let i = 0; i < wrong.length; i++) {
    for (let j = i + 1; j < wrong.length; j++) {
      const pair: Pair = { both: 0, neither: 0, second: 0, first: 0 };
      for (const [sample, isWrong] of wrong[i].entries()) {
        if (isWrong) pair[wrong[j][sample] ? "neither" : "second"]++;
        else pair[wrong[j][sample] ? "first" : "both"]++;
      }
      values.push(measure(pair));
    }
  }
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const TINY = Number.EPSILON;

export function qStatistic(wrong: Errors): number {
  return meanOverPairs(
    wrong,
    ({ both, neither, first, second }) => (both * neither - first * second) / (both * neither + first * second + TINY),
  );
}

export function errorCorrelation(wrong: Errors): number {
  return meanOverPairs(wrong, ({ both, neither, first, second }) => {
    const scale = Math.sqrt((both + first) * (second + neither) * (both + second) * (first + neither));
    return (both * neither - first * second) / (scale + TINY) + TINY;
  });
}

export function disagreement(wrong: Errors): number {
  return meanOverPairs(
    wrong,
    ({ both, neither, first, second }) => (first + second) / (both + neither + first + second),
  );
}

/** Of the counts of errors: 0 all alike, 1 as mixed as can be. */
export function errorEntropy(wrong: Errors): number {
  const [models, samples] = [wrong.length, wrong[0].length];
  const mixed = overSamples(wrong, (right) => Math.min(right, models - right));
  return mixed / (samples * (models - Math.ceil(models / 2)));
}

export function kohaviWolpert(wrong: Errors): number {
  const [models, samples] = [wrong.length, wrong[0].length];
  return overSamples(wrong, (right) => right * (models - right)) / (samples * models * models);
}

function overSamples(wrong: Errors, of: (right: number) => number): number {
  return wrong[0].reduce((sum, _, sample) => sum + of(wrong.filter((row) => !row[sample]).length), 0);
}

/** Cohen's κ of what models say, mean over pairs. predictions: models × samples. */
export function meanKappa(predictions: readonly (readonly number[])[]): number {
  const values: number[] = [];
  for (let i = 0; i < predictions.length; i++) {
    for (let j = i + 1; j < predictions.length; j++) values.push(kappa(predictions[i], predictions[j]));
  }
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function kappa(a: readonly number[], b: readonly number[]): number {
  const classes = new Set([...a, ...b]);
  const share = (row: readonly number[], k: number) => row.filter((each) => each === k).length / row.length;
  const observed = a.filter((each, sample) => each === b[sample]).length / a.length;
  const expected = Array.from(classes).reduce((sum, k) => sum + share(a, k) * share(b, k), 0);
  return (observed - expected) / (1 - expected);
}

export function fleissKappa(predictions: readonly (readonly number[])[], classes: number): number {
  const [models, samples] = [predictions.length, predictions[0].length];
  const totals = Array<number>(classes).fill(0);
  let agreement = 0;
  for (let sample = 0; sample < samples; sample++) {
    const counts = Array<number>(classes).fill(0);
    for (const row of predictions) counts[row[sample]]++;
    for (const [k, count] of counts.entries()) totals[k] += count;
    const squares = counts.reduce((sum, count) => sum + count * count, 0);
    agreement += (squares - models) / (models * (models - 1));
  }
  const observed = agreement / samples;
  const expected = totals.reduce((sum, total) => sum + (total / (samples * models)) ** 2, 0);
  return (observed - expected) / (1 - expected);
}
