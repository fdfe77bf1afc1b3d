/** The options of this package's own methods: a zod schema that holds their texts and defaults. */
import type { z } from "zod";
import { optionTexts } from "../option-texts.js";
import { partTextsOf } from "../part-schema.js";
import { checkOptions } from "./check-options.js";
import type { OptionSet } from "./define-method.js";

/** Types: what a method gets, and what it is given. */
export function schemaOptions<Schema extends z.ZodObject>(
  schema: Schema,
): OptionSet<z.output<Schema>, z.input<Schema>> {
  const texts = optionTexts(schema);
  const parts = Object.entries(schema.shape).flatMap(([name, option]) => {
    const of = partTextsOf(option as unknown as z.ZodType);
    return of === undefined ? [] : [[name, of] as const];
  });
  return {
    texts,
    parts: parts.length === 0 ? undefined : Object.fromEntries(parts),
    check: (given, method) => checkOptions(method, schema, given as Record<string, unknown>, texts),
  };
}
