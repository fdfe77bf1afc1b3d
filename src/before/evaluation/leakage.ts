/** Queries that occur in both the training and the test table: memorising them is not routing. */
import type { OutcomeTable } from "../table/outcome-table.js";

export interface LeakedQuery {
  /** The query's ids in the two tables. */
  train: string;
  test: string;
  query: string;
}

export interface LeakageCheck {
  leaked: LeakedQuery[];
  /** The training table without them. Undefined where nothing else would be left. */
  train: OutcomeTable | undefined;
}

/** Queries are the same if they differ in white space and case only. The test table stays as it is. */
export function removeLeaked(train: OutcomeTable, test: OutcomeTable): LeakageCheck {
  const tested = new Map(test.queries.map((query, row) => [normalised(query), row]));
  const leaked: LeakedQuery[] = [];
  const kept: number[] = [];
  for (const [row, query] of train.queries.entries()) {
    const twin = tested.get(normalised(query));
    if (twin === undefined) kept.push(row);
    else leaked.push({ train: train.ids[row], test: test.ids[twin], query });
  }
  if (leaked.length === 0) return { leaked, train };
  return { leaked, train: kept.length === 0 ? undefined : train.selectRows(kept) };
}

/** Rows of a table in groups of the same query, in order of their first row; for splits that keep twins together. */
export function sameQueries(table: OutcomeTable): number[][] {
  const groups = new Map<string, number[]>();
  for (const [row, query] of table.queries.entries()) {
    const key = normalised(query);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return Array.from(groups.values());
}

function normalised(query: string): string {
  return query.trim().replace(/\s+/g, " ").toLowerCase();
}
