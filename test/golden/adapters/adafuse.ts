/** AdaFuse: a round of members whose next tokens stand in a table. */

import { expand, type Gate } from "../../../src/during/span/adafuse.js";
import { firstSmallest, meanLoss, meanOf, pooled } from "../../../src/during/span/candidate.js";
import type { Written } from "../../../src/during/span/ends.js";
import { candidateOf } from "../../../src/during/span/writers.js";
import type { Saying } from "../../../src/member/member.js";
import type { GoldenAdapter } from "../adapter.js";

type Table = Record<string, [string, number][]>;
interface Input {
  members: Table[];
  theta: number;
  maxWords: number;
  branches: number;
  tokenLogProbs: { text: string; end: boolean; byScorer: number[][] }[];
}

export const adafuse: GoldenAdapter = {
  method: "adafuse",
  tolerance: 1e-9,
  async run({ members, theta, maxWords, branches, tokenLogProbs }: Input) {
    const wrote = await Promise.all(members.map((table) => write(table, { theta, words: maxWords, branches })));
    const pool = pooled(wrote.flatMap(({ written }, writer) => written.map((each) => candidateOf(each, writer))));
    const shown = ({ bytes, ends }: { bytes: Uint8Array; ends: boolean }) => ({
      text: Buffer.from(bytes).toString("utf8"),
      end: ends,
    });
    const meanNll = pool.map((candidate) => {
      const { text, end } = shown(candidate);
      const { byScorer } = tokenLogProbs.find((each) => each.text === text && each.end === end)!;
      return byScorer.map((logProbs) => meanLoss({ logProbs }, candidate, "token"));
    });
    const scores = meanNll.map(meanOf);
    const best = firstSmallest(scores);
    const { text, end } = shown(pool[best]);
    return {
      members: wrote.map(({ gates, written }) => ({
        gates: gates.map((gate) => ({
          prefix: Buffer.from(gate.text).toString("utf8"),
          margin: gate.margin,
          certain: gate.certain,
        })),
        candidates: written.map(({ bytes, ended }) => shown({ bytes, ends: ended })),
      })),
      candidates: pool.map(shown),
      meanNll,
      scores,
      best,
      span: text,
      end,
    };
  },
};

/** Lead a writer through a table. Its tokens are numbered as they come. */
async function write(table: Table, options: { theta: number; words: number; branches: number }) {
  const tokens = [...new Set(Object.values(table).flatMap((row) => row.map(([token]) => token)))];
  const gates: Gate[] = [];
  const writer = expand(options, Number.POSITIVE_INFINITY, (gate) => gates.push(gate));
  let said: Saying[] = [];
  for (let first = true; ; first = false) {
    const turn = first ? await writer.next() : await writer.next(said);
    if (turn.done) return { gates, written: turn.value as Written[] };
    const prefix = turn.value.ids.map((id) => tokens[id]).join("");
    const sayings = table[prefix]
      .map(([token, probability]): Saying => {
        const isEnd = token === "<end>";
        const logProb = Math.log(probability);
        return { id: isEnd ? -1 : tokens.indexOf(token), bytes: Buffer.from(isEnd ? "" : token), logProb };
      })
      .sort((a, b) => b.logProb - a.logProb);
    said = [{ ...sayings[0], others: sayings.slice(1) }];
  }
}
