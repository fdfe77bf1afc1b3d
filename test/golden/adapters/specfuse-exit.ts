/** SpecFuse's exit: who leaves after which round. */
import { ModelExit } from "../../../src/during/span/exit.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  models: number;
  votes: number[][][];
  gamma: number;
  tau0: number;
  tauMin: number;
  theta: number;
  warmUp: number;
}

export const specfuseExit: GoldenAdapter = {
  method: "specfuse-exit",
  tolerance: 1e-9,
  run({ models, votes, gamma, tau0, tauMin, theta, warmUp }: Input) {
    const temperature = { start: tau0, least: tauMin };
    const exit = new ModelExit(models, { share: theta, from: warmUp, decay: gamma, temperature });
    let active = Array.from({ length: models }, (_, index) => index);
    let invoked = 0;
    const rounds = votes.map((all) => {
      const taking = active;
      invoked += taking.length;
      const round = exit.round(
        taking.map((judge) => taking.map((candidate) => all[judge][candidate])),
        taking,
      );
      active = taking.filter((index) => !round.exits.includes(index));
      const { shares, entropy = null, temperature: current = null } = round;
      const winner = taking[shares.indexOf(Math.max(...shares))];
      return { ...round, active: taking, winner, entropy, temperature: current };
    });
    return { rounds, remaining: active, meanModelsPerRound: invoked / votes.length };
  },
};
