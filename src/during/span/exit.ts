/**
 * Members that leave for the rest of an answer (SpecFuse v1). Of the active members A, behind each round:
 *
 *     share_i = mean over judges j of v_ji / Σ_A v_j      C_i ← decay · C_i + share_i
 *     p = softmax(C / τ0)     H = −Σ p ln p / ln|A|     τ = max(τ_min, τ0 · H)     q = softmax(C / τ)
 *     i leaves  ⇔  q_i < share / |A|,   from the round `from` on; the best never does
 *
 * The paper's abstract says that the temperature depends on the entropy of the cumulative qualities; the formula is ours.
 */
export interface ExitOptions {
  share: number;
  from: number;
  decay: number;
  temperature: { start: number; least: number };
}

export interface ExitRound {
  shares: number[];
  cumulative: number[];
  /** undefined where one member is left. */
  entropy?: number;
  temperature?: number;
  probabilities: number[];
  exits: number[];
}

export class ModelExit {
  readonly #cumulative: number[];
  #round = 0;

  constructor(
    members: number,
    private readonly options: ExitOptions,
  ) {
    this.#cumulative = new Array<number>(members).fill(0);
  }

  /** `votes`: by judge and candidate, both in the order of the active members. Lists follow `active`. */
  round(votes: readonly (readonly number[])[], active: readonly number[]): ExitRound {
    const { share, from, decay, temperature } = this.options;
    this.#round++;
    const shares = active.map((_, candidate) => {
      const parts = votes.map((vote) => vote[candidate] / vote.reduce((sum, value) => sum + value, 0));
      return parts.reduce((sum, part) => sum + part, 0) / parts.length;
    });
    for (const [place, index] of active.entries())
      this.#cumulative[index] = decay * this.#cumulative[index] + shares[place];
    const cumulative = active.map((index) => this.#cumulative[index]);
    if (active.length === 1) return { shares, cumulative, probabilities: [1], exits: [] };
    const p = softmaxAt(cumulative, temperature.start);
    const entropy = -p.reduce((sum, value) => sum + (value > 0 ? value * Math.log(value) : 0), 0) / Math.log(p.length);
    const current = Math.max(temperature.least, temperature.start * entropy);
    const probabilities = softmaxAt(cumulative, current);
    const exits = active.filter((_, place) => this.#round >= from && probabilities[place] < share / active.length);
    return { shares, cumulative, entropy, temperature: current, probabilities, exits };
  }
}

function softmaxAt(values: readonly number[], temperature: number): number[] {
  const largest = Math.max(...values);
  const powers = values.map((value) => Math.exp((value - largest) / temperature));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
