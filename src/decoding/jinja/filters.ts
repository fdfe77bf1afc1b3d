/** All filters by name. A filter gets its input first, then what it was called with. */
import { unsupported } from "./errors.js";
import { LIST_FILTERS } from "./list-filters.js";
import type { Machine } from "./machine.js";
import { TEXT_FILTERS } from "./text-filters.js";
import type { Value } from "./values.js";

export type Filter = (input: Value, args: Value[], kwargs: Map<string, Value>, machine: Machine) => Value;

/** Filters of jinja2 that no chat template was seen to use. */
const MISSING = ["filesizeformat", "pprint", "random", "striptags", "urlize", "wordwrap", "xmlattr"];

export const FILTERS: Record<string, Filter> = {
  ...TEXT_FILTERS,
  ...LIST_FILTERS,
  ...Object.fromEntries(
    MISSING.map((name): [string, Filter] => [
      name,
      () => {
        throw unsupported(`the filter '${name}'`);
      },
    ]),
  ),
};
