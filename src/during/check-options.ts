/** The options of a method, checked; what is wrong with them in words. */
import type { z } from "zod";
import { LlamafuseError, unknownName } from "../errors.js";
import type { UnknownPartOption } from "../part-schema.js";
import { shown } from "../read-options.js";
import { problemOf } from "../zod-problem.js";

/** What a person types for them. */
const OPTION_TYPES = { array: "a list, as 1,2", record: "a number for each member, as scores.MEMBER=0.3" };

/**
 * The options with their defaults. LlamafuseError "invalid-option" for the first that is unknown or out of range; `texts`:
 * what each option is.
 */
export function checkOptions<Schema extends z.ZodType>(
  method: string,
  schema: Schema,
  given: Record<string, unknown>,
  texts: Readonly<Record<string, string>>,
): z.output<Schema> {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const {
    at: option,
    words,
    found,
    isMissing,
    unknownKey,
    params,
  } = problemOf(result.error, given, {
    types: OPTION_TYPES,
  });
  if (unknownKey !== undefined) throw unknownName(`option of ${method}`, unknownKey, Object.keys(texts));
  if (params !== undefined) throw unknownPartOption(method, option, params as unknown as UnknownPartOption);
  if (isMissing && option in texts) {
    throw new LlamafuseError("invalid-option", `${method} needs the option "${option}": ${texts[option]}`, {
      method,
      option,
      allowed: texts[option],
    });
  }
  const said = found === undefined ? "" : `; found ${shown(found)}`;
  throw new LlamafuseError("invalid-option", `The option "${option}" of ${method} ${words}${said}.`, {
    method,
    option,
    found,
    allowed: texts[option] ?? words,
  });
}

function unknownPartOption(
  method: string,
  outer: string,
  { unknown, part, known, parts }: UnknownPartOption,
): LlamafuseError {
  const takes = known.length === 0 ? "no options" : known.map((option) => `${outer}.${option}`).join(", ");
  const elsewhere = parts.map((name) => `"${name}"`).join(", ");
  const hint = parts.length === 0 ? "" : ` ${unknown} belongs to ${elsewhere}, which ${outer}.name chooses.`;
  return new LlamafuseError(
    "invalid-option",
    `Unknown option of ${method} "${outer}.${unknown}": the ${outer} "${part}" takes ${takes}.${hint}`,
    { method, option: `${outer}.${unknown}`, found: unknown, allowed: known },
  );
}
