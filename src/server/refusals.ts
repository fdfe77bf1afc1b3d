/** What is wrong with a request, and which of its fields. */
import type { z } from "zod";
import { LlamafuseError, nearestName } from "../errors.js";
import { shown } from "../read-options.js";
import { problemOf, sentenceOf } from "../zod-problem.js";

/** `topP` as `top_p`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A request that asks for something wrong. `param`: the field, as the client calls it. */
export function badRequest(param: string, message: string, details: Record<string, unknown> = {}): LlamafuseError {
  return new LlamafuseError("invalid-option", message, { ...details, param });
}

/** Read a parameter; an error of the library's says which one it was. */
export function reading<Value>(param: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof LlamafuseError)) throw error;
    throw new LlamafuseError(error.code, error.message, { ...error.details, param }, error.cause);
  }
}

/** The parameter that an error speaks of: as the request calls it, or the library's option in snake_case. */
export function parameterOf(error: Pick<LlamafuseError, "details">): string | null {
  const { param, option } = error.details;
  if (typeof param === "string") return param;
  if (option === "format") return "response_format";
  return typeof option === "string" ? snakeCase(option) : null;
}

/**
 * A hook for the validator of a body: the first field that is not what it must be. `cureOf`: what a message about a field
 * adds. Error: invalid-option.
 */
export function checkedBy(schema: z.ZodType, cureOf: (field: string) => string = () => "") {
  return (result: { success: boolean; error?: unknown; data?: unknown }): void => {
    if (result.success) return;
    const problem = problemOf(result.error as z.ZodError, result.data, { schema });
    const { unknownKey: key, known = [], path } = problem;
    if (key === undefined) {
      const message = `${problem.at === "" ? "The body " : ""}${sentenceOf(problem)}.${cureOf(problem.at)}`;
      throw new LlamafuseError("invalid-option", message, { param: problem.at === "" ? null : problem.at });
    }
    const param = [...path, key].join(".");
    const near = nearestName(key, known);
    const hint = near === undefined ? `Known: ${known.join(", ")}.` : `Did you mean "${near}"?`;
    const message = `Unknown parameter ${shown(param)}. ${hint}`;
    throw new LlamafuseError("invalid-option", message, { param, nearest: near, apiCode: "unknown_parameter" });
  };
}
