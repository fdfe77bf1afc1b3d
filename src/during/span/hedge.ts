/**
 * SpecEM's weights of votes, by multiplicative updates (released code: lvbotenbest/SpecEM, utils/normal_generate.py). In round t,
 * from 1, K members:
 *
 *     wins_i = max(1, #{(j, k): j ≠ i, k ≠ i, v_ji ≥ v_jk})     r_i = wins_i / (K − 1)²     η_t = (rate / 10) √(1/K) / t
 *     w_i ← w_i e^(η r_i), normalised, and used in the same round
 */
export class HedgeVotes {
  readonly #weights: number[];
  #round = 0;

  constructor(
    members: number,
    private readonly rate: number,
  ) {
    this.#weights = new Array<number>(members).fill(1 / members);
  }

  /** The step of the last update, and the win counts. */
  last: { eta: number; wins: number[]; rewards: number[] } = { eta: 0, wins: [], rewards: [] };

  /** All weights behind this round; `votes` by judge and candidate, in the order of the active members. */
  update(votes: readonly (readonly number[])[], active: readonly number[]): readonly number[] {
    const count = active.length;
    const eta = ((this.rate / 10) * Math.sqrt(1 / count)) / ++this.#round;
    const wins = active.map((_, one) => Math.max(1, winsOf(one, votes)));
    const rewards = wins.map((won) => (count > 1 ? won / (count - 1) ** 2 : 0));
    for (const [place, index] of active.entries()) this.#weights[index] *= Math.exp(eta * rewards[place]);
    const sum = active.reduce((total, index) => total + this.#weights[index], 0);
    for (const index of active) this.#weights[index] /= sum;
    this.last = { eta, wins, rewards };
    return this.#weights;
  }
}

function winsOf(one: number, votes: readonly (readonly number[])[]): number {
  let wins = 0;
  for (const [judge, vote] of votes.entries()) {
    if (judge === one) continue;
    for (const [other, value] of vote.entries()) if (other !== one && vote[one] >= value) wins++;
  }
  return wins;
}
