/** What an evaluation takes, checked before anything is fitted. */
import { checkSamplerOptions } from "../../decoding/sampler-options.js";
import { LlamafuseError } from "../../errors.js";
import { checkArgument, checkText, readPlain, shown } from "../../read-options.js";
import type { RouterChoice } from "./evaluate-router.js";

/** Errors: invalid-option unless counts are integers ≥ 0 and the seed is one that there is. */
export function checkEvaluationOptions(options: { threads?: number; resamples?: number; seed?: number }): void {
  checkSamplerOptions({ seed: options.seed });
  for (const option of ["threads", "resamples"] as const) {
    const found = options[option];
    if (found === undefined || (Number.isSafeInteger(found) && found >= 0)) continue;
    const allowed = "an integer >= 0";
    throw new LlamafuseError("invalid-option", `${option} must be ${allowed}; found ${shown(found)}.`, {
      option,
      found,
      allowed,
    });
  }
}

/** As a command line has it, where it can be written so. */
function written(value: unknown): string {
  try {
    return String(value);
  } catch {
    return shown(value);
  }
}

/** The routers to compare, as copies. Errors: invalid-option. */
export function readChoices(given: readonly RouterChoice[]): RouterChoice[] {
  checkArgument("The routers", given, 'a list: [{ name: "knn", options: { k: 5 } }]', () => Array.isArray(given));
  return Array.from(given, (choice) => {
    const { name, options } = readPlain("A router to compare", choice, '{ name: "knn", options: { k: 5 } }');
    checkText("The name of a router", name);
    return { name, ...(options !== undefined && { options: readPlain("The options of a router", options) }) };
  });
}

/** The name of each; with its options where it has any. Errors: invalid-option for the same router twice. */
export function labelsOf(choices: readonly RouterChoice[]): string[] {
  const labels = choices.map(({ name, options = {} }) => {
    const given = Object.entries(options).map(([key, value]) => `${key}=${written(value)}`);
    return given.length === 0 ? name : `${name}:${given.join(",")}`;
  });
  const twice = labels.find((label, index) => labels.indexOf(label) < index);
  if (twice === undefined) return labels;
  throw new LlamafuseError(
    "invalid-option",
    `The router ${twice} is given twice. Leave one out, or give it other options.`,
    { found: twice, allowed: "each router once", option: "router" },
  );
}
