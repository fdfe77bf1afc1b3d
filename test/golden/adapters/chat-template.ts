import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { extractVocabularies, hasGit } from "../../../scripts/extract-vocabularies.js";
import { Budget } from "../../../src/decoding/jinja/budget.js";
import { JinjaError } from "../../../src/decoding/jinja/errors.js";
import { JinjaTemplate, toValue } from "../../../src/decoding/jinja/template.js";
import { codePoints } from "../../../src/decoding/jinja/text.js";
import { formatDate } from "../../../src/decoding/template-date.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  /** A path in the sources of llama.cpp: `models/templates/NAME.jinja`. */
  template: string;
  now: string;
  variables: Record<string, unknown>;
}

/** Longer texts are in the files by their beginning and their hash. */
const SHOWN = 500;
const HEAD = 200;
/** The largest rendering here takes about 3,500 steps: the limit on them (budget.ts) is far from every real template. */
const MARGIN = 100;

export const chatTemplate: GoldenAdapter = {
  method: "chat-template",
  tolerance: 0,
  whyNot({ template }: Input) {
    if (!hasGit()) return "git is needed to extract the templates";
    return existsSync(fileOf(template)) ? undefined : `${template} is not in this release of llama.cpp`;
  },
  run({ template, now, variables }: Input) {
    const source = readFileSync(fileOf(template), "utf8");
    const date = new Date(now);
    try {
      const values = new Map(Object.entries(variables).map(([name, value]) => [name, toValue(value, true)]));
      const budget = new Budget([...values.values()]);
      const { value } = new JinjaTemplate(source).render(values, (format) => formatDate(date, format), budget);
      if (budget.used * MARGIN > budget.steps)
        throw new Error(
          `${template} takes ${budget.used} steps; less than 1/${MARGIN} of ${budget.steps} is to be used`,
        );
      const length = codePoints(value);
      const sha256 = createHash("sha256").update(value).digest("hex");
      const head = Array.from(value.slice(0, 2 * HEAD))
        .slice(0, HEAD)
        .join("");
      return { sha256, length, ...(length < SHOWN ? { text: value } : { head }) };
    } catch (error) {
      if (!(error instanceof JinjaError)) throw error;
      return { error: error.name, message: error.message };
    }
  },
};

function fileOf(template: string): string {
  return path.join(extractVocabularies(), path.relative("models", template));
}
