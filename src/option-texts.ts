/** What options are, told where their schema stands: descriptions, and defaults read from the schema itself. */
import type { z } from "zod";

/** What a schema says of an option: `.meta({ description })`, or `.describe(…)`, and `usual` where the default is no value. */
interface OptionMeta {
  description?: string;
  /** The default of an option that may be left out: a value, or words such as "the members' weights". */
  usual?: string | number;
}

/** Option → what it is, with its default: `{ k: "How many tokens each member proposes. Default 10." }`. */
export function optionTexts(schema: z.ZodObject): Record<string, string> {
  return Object.fromEntries(
    Object.entries(schema.shape).map(([name, option]) => [name, textOf(option as unknown as z.ZodType)]),
  );
}

function textOf(option: z.ZodType): string {
  const { description = "", usual } = (option.meta() ?? {}) as OptionMeta;
  const standard = defaultOf(option);
  if (standard === undefined && usual === undefined) return description;
  const inWords = usual !== undefined && !/^["\d]/.test(String(usual));
  return `${description} Default${inWords ? ":" : ""} ${usual ?? shown(standard)}.`;
}

/** The value that stands for an option that is left out; undefined where there is none. */
function defaultOf(option: z.ZodType): unknown {
  const { def } = option as unknown as { def: { type: string; defaultValue?: unknown } };
  return def.type === "default" || def.type === "prefault" ? def.defaultValue : undefined;
}

/** A part's default is an object with its name alone. */
function shown(value: unknown): string {
  return JSON.stringify(typeof value === "object" && value !== null && "name" in value ? value.name : value);
}
