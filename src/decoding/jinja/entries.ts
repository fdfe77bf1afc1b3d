/** Key and value pairs of what can be a mapping. */
import type { Budget } from "./budget.js";
import { JinjaError } from "./errors.js";
import { iterate } from "./iterate.js";
import { Dict, Tuple, type Value } from "./values.js";

/** Errors: TypeError for anything but a mapping or a list of pairs. */
export function entriesOf(value: Value, budget: Budget): [Value, Value][] {
  if (value instanceof Dict) {
    budget.items(value.size);
    return value.entries();
  }
  return iterate(value, budget).map((pair) => {
    const items = pair instanceof Tuple ? pair.items : pair;
    if (!Array.isArray(items) || items.length !== 2) throw new JinjaError("TypeError", "expected pairs");
    budget.reads(items[0]);
    return [items[0], items[1]];
  });
}
