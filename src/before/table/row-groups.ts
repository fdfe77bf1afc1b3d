/** Groups of a table's queries for routers that learn from data sets or tags. */
import { KMeans } from "../../learning/k-means.js";
import { type Matrix, makeMatrix } from "../../learning/matrix.js";
import type { FitData } from "../router.js";
import type { OutcomeTable } from "./outcome-table.js";

/** Clusters that stand in where the table names no groups. */
const CLUSTERS = 10;

/**
 * The data set of each row: the table's data sets where it names at least two, else its subjects, else (ours) ten clusters
 * of the embeddings.
 */
export function datasetsOf(data: FitData, seed: number): readonly string[] {
  return firstNamed(data, [data.table.datasets, data.table.subjects], seed);
}

/** The same, with subjects before data sets. */
export function subjectsOf(data: FitData, seed: number): readonly string[] {
  return firstNamed(data, [data.table.subjects, data.table.datasets], seed);
}

function firstNamed(
  { table, embeddings }: FitData,
  groupings: readonly (readonly (string | undefined)[] | undefined)[],
  seed: number,
): readonly string[] {
  for (const named of groupings) {
    if (named !== undefined && new Set(named).size > 1) return named.map((name) => name ?? "");
  }
  const clusters = KMeans.fit(embeddings, Math.min(CLUSTERS, table.rows), { seed });
  return Array.from(clusters.labels, (label) => `cluster ${label}`);
}

/** The tags of each row: the table's, or its data set as `datasetsOf` finds it. */
export function tagsOf(data: FitData, seed: number): readonly (readonly string[])[] {
  return data.table.tags ?? datasetsOf(data, seed).map((name) => [name]);
}

/**
 * groups × models: the mean quality in each group; a model's mean over all rows where a group has none of it. names: the
 * group of each row.
 */
export function groupQuality(table: OutcomeTable, names: readonly string[], groups: readonly string[]): Matrix {
  const everywhere = table.meansOf(table.quality);
  const models = table.models.length;
  const sums = makeMatrix(groups.length, models);
  const counts = makeMatrix(groups.length, models);
  const places = new Map(groups.map((group, index) => [group, index]));
  for (const [row, name] of names.entries()) {
    const at = places.get(name)! * models;
    for (let model = 0; model < models; model++) {
      const quality = table.quality.data[row * models + model];
      if (Number.isNaN(quality)) continue;
      sums.data[at + model] += quality;
      counts.data[at + model]++;
    }
  }
  const means = sums.data.map((sum, at) => (counts.data[at] > 0 ? sum / counts.data[at] : everywhere[at % models]));
  return makeMatrix(groups.length, models, means);
}
