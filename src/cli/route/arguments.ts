/** What the words of `llamafuse route` mean: routers, prices and knobs. */

import type { RouterChoice } from "../../before/evaluation/evaluate-router.js";
import { routerInfos, routerNamed } from "../../before/registry.js";
import type { Knob } from "../../before/router.js";
import { LlamafuseError } from "../../errors.js";
import { parseValue } from "../method-words.js";
import { number } from "../options.js";

export interface KnobFlags {
  lambda?: number;
  threshold?: number;
  budget?: number;
  preference?: number;
}

/** `NAME`, or `NAME:OPTION=VALUE,…`. Errors: invalid-option for an unknown name or option, or a value out of range. */
export function readRouter(word: string): RouterChoice {
  const choice = readNamed("--router", word, "knn:k=20");
  // Mistakes are told before anything is read or fitted.
  routerNamed(choice.name, choice.options);
  return choice;
}

/** `NAME`, or `NAME:OPTION=VALUE,…`; whether there is such a name is for its registry to say. Error: invalid-option. */
export function readNamed(flag: string, word: string, example: string): Required<RouterChoice> {
  const [, name, rest] = /^([^:]+)(?::(.+))?$/s.exec(word) ?? [];
  const pairs = (rest?.split(",") ?? []).map((part) => /^([^=]+)=(.*)$/s.exec(part)?.slice(1));
  if (name === undefined || !pairs.every((pair) => pair !== undefined && pair[0] !== "name")) {
    const message = `${flag} needs NAME or NAME:OPTION=VALUE, such as ${example}; found ${JSON.stringify(word)}.`;
    throw new LlamafuseError("invalid-option", message, { found: word, allowed: "NAME:OPTION=VALUE,…" });
  }
  return { name, options: Object.fromEntries(pairs.map((pair) => [pair![0], parseValue(pair![1])])) };
}

/** A parser for commander: the one router of a command. Errors: invalid-option for a second one. */
export function onlyRouter(word: string, previous?: string): string {
  if (previous === undefined) return word;
  const message = `--router is given twice (${previous} and ${word}), and one router is fitted at a time. Leave one out.`;
  throw new LlamafuseError("invalid-option", message, { found: [previous, word], allowed: 1, option: "--router" });
}

/** Every router with its defaults. */
export function allRouters(): RouterChoice[] {
  return routerInfos.map(({ name }) => ({ name }));
}

/** `MODEL=COST` of each model once. */
export function readPrices(words: readonly string[]): Map<string, number> {
  return new Map(
    words.map((word) => {
      const [, model, cost] = /^(.+)=([^=]+)$/s.exec(word) ?? [];
      const value = model === undefined ? Number.NaN : number("--price")(cost);
      if (value >= 0) return [model, value];
      const message = `--price needs MODEL=COST with a cost of 0 or more; found ${JSON.stringify(word)}.`;
      throw new LlamafuseError("invalid-option", message, { found: word, allowed: "MODEL=COST", option: "--price" });
    }),
  );
}

export function readKnob({ lambda, threshold, budget, preference }: KnobFlags): Knob {
  const given = Object.entries({ lambda, threshold, budget, preference }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Knob;
}
