/**
 * How much of what an oracle could defer two native models' cascades find: `npx tsx bench/cascade-deferral.ts DEV.jsonl
 * TEST.jsonl [REPORT.json]`, on tables that `llamafuse eval native -m sparrow -m raven --outcomes FILE --details` writes for
 * the development and the test questions.
 *
 *     curve      test quality as the share of deferred queries grows, queries in the order of the cascade's score
 *     recovered  (area under the curve − random) / (oracle − random); random is the line from the small model's quality to the
 *                large one's, the oracle defers where the large model is better first, where it is worse last
 *     operating  the threshold with the least cost on the development questions that is within 1 point of the large model there,
 *                with its quality and cost on the test questions; the cost counts both calls
 */
import { writeFile } from "node:fs/promises";
import { runOnRow } from "../src/after/cascade/evaluation/walk.js";
import type { ScoreCascade } from "../src/after/cascade/fitting/score-cascade.js";
import { answersOf, queriesOf, sampleQuality } from "../src/after/cascade/fitting/table-answers.js";
import { cascadeNamed } from "../src/after/cascade/registry.js";
import { deferralCurve } from "../src/after/cascade/signals/chow.js";
import type { OutcomeTable } from "../src/before/table/outcome-table.js";
import { readOutcomeTable } from "../src/before/table/read.js";

const CASCADES = [
  ["log-probability", {}],
  ["log-probability", { measure: "quantile", alpha: 0 }],
  ["quantile-deferral", {}],
  ["post-hoc-deferral", {}],
] as const;

const [devFile, testFile, reportFile] = process.argv.slice(2);
const [dev, test] = [await readOutcomeTable(devFile), await readOutcomeTable(testFile)];

function operate(cascade: ScoreCascade, table: OutcomeTable, threshold: number) {
  const results = queriesOf({ table }).map((query, row) => runOnRow(cascade, table, row, query, { threshold }));
  const mean = (of: (result: (typeof results)[number]) => number) =>
    results.reduce((sum, each) => sum + of(each), 0) / results.length;
  return { quality: mean(({ quality }) => quality), cost: mean(({ cost }) => cost) };
}

const rows = [];
for (const [name, options] of CASCADES) {
  const cascade = cascadeNamed(name, options) as ScoreCascade;
  await cascade.fit({ table: dev });
  const [small, large] = cascade.chain.map((model) => test.column(model));
  const queries = queriesOf({ table: test });
  const of = (model: number) => queries.map((_, row) => sampleQuality(test, row, model));
  const [smallQuality, largeQuality] = [of(small), of(large)];
  const scores = queries.map((query, row) => -cascade.score(answersOf(test)[row][small], query).score);
  const { area } = deferralCurve(scores, smallQuality, largeQuality);
  const gains = smallQuality.map((quality, row) => largeQuality[row] - quality);
  const oracle = deferralCurve(gains, smallQuality, largeQuality).area;
  const [smallMean, largeMean] = [small, large].map((model) => test.meansOf(test.quality)[model]);
  const random = (smallMean + largeMean) / 2;
  const devLarge = dev.meansOf(dev.quality)[dev.column(cascade.chain[1])];
  const within = cascade
    .settings()
    .map(({ threshold }) => ({ threshold: threshold!, ...operate(cascade, dev, threshold!) }))
    .filter(({ quality }) => quality >= devLarge - 0.01)
    .sort((a, b) => a.cost - b.cost)[0];
  const operating = operate(cascade, test, within.threshold);
  const largeCost = test.meansOf(test.cost)[large];
  rows.push({
    cascade: name,
    options,
    recovered: (area - random) / (oracle - random),
    threshold: within.threshold,
    quality: operating.quality,
    largeQuality: largeMean,
    smallQuality: smallMean,
    costOfLarge: operating.cost / largeCost,
  });
}
const report = { command: "npx tsx bench/cascade-deferral.ts DEV.jsonl TEST.jsonl", queries: test.rows, rows };
if (reportFile !== undefined) await writeFile(reportFile, `${JSON.stringify(report, undefined, 1)}\n`);
console.table(rows.map(({ options, ...row }) => ({ ...row, options: JSON.stringify(options) })));
