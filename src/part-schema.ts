/** Options that name a part of a method, alone or with the part's own options. */
import { z } from "zod";
import { optionTexts } from "./option-texts.js";

/** A part that a method can be put together from, with the options that it takes. */
export interface Part<Name extends string = string, Schema extends z.ZodObject = z.ZodObject> {
  readonly name: Name;
  readonly options: Schema;
}

type NameOf<Kind extends Part> = Kind["name"];
/** Nothing where a part takes no options. */
type Plain<Options> = string extends keyof Options ? unknown : Options;
type OutputOf<Kind extends Part> = Kind extends Part
  ? { name: Kind["name"] } & Plain<z.output<Kind["options"]>>
  : never;
type InputOf<Kind extends Part> = Kind extends Part ? { name: Kind["name"] } & Plain<z.input<Kind["options"]>> : never;
/** The part `Name` with its name left out. */
type Unnamed<Kind extends Part, Name> = Plain<z.input<Extract<Kind, { name: Name }>["options"]>> & { name?: Name };

/**
 * A schema that takes `"top-union"` for `{ name: "top-union" }`, and `{ k: 20 }` and nothing for the part `usual`. Other
 * names, and options that the part does not have, are refused with those that exist.
 */
export function partSchema<const Kinds extends readonly [Part, ...Part[]], const Usual extends NameOf<Kinds[number]>>(
  kinds: Kinds,
  usual: Usual,
) {
  const names = kinds.map(({ name }) => name);
  const named = kinds.map(({ name, options }) => options.safeExtend({ name: z.literal(name) }));
  const schema = z.discriminatedUnion("name", named as [(typeof named)[0], ...typeof named], {
    error: ({ input }) => (isNamed(input, names) ? undefined : `must be one of ${names.join(", ")}`),
  });
  const spelled = z.preprocess((given, context) => {
    const part = typeof given === "string" ? { name: given } : isPlain(given) ? { name: usual, ...given } : given;
    const kind = isPlain(part) ? kinds.find(({ name }) => name === part.name) : undefined;
    const unknown =
      kind && Object.keys(part as object).find((option) => option !== "name" && !(option in kind.options.shape));
    if (unknown !== undefined) {
      const params = { unknown, part: kind!.name, known: optionsOf(kind!), parts: partsWith(kinds, unknown) };
      context.addIssue({ code: "custom", message: "is unknown", params, input: given });
    }
    return part;
  }, schema);
  const described = spelled
    .prefault({ name: usual })
    .meta({ description: `${listOf(kinds)}.`, parts: partTexts(kinds) });
  return described as unknown as z.ZodPrefault<
    z.ZodType<OutputOf<Kinds[number]>, InputOf<Kinds[number]> | NameOf<Kinds[number]> | Unnamed<Kinds[number], Usual>>
  >;
}

/** An option that a part does not have; `params` of the issue about it. */
export interface UnknownPartOption {
  unknown: string;
  part: string;
  /** The options of this part. */
  known: string[];
  /** The parts that have such an option. */
  parts: string[];
}

/** Part → its options → what each is. */
export type PartTexts = Record<string, Record<string, string>>;

/** What the parts of an option take; undefined where it has none. */
export function partTextsOf(option: z.ZodType): PartTexts | undefined {
  return option.meta()?.parts as PartTexts | undefined;
}

function partTexts(kinds: readonly Part[]): PartTexts {
  return Object.fromEntries(kinds.map(({ name, options }) => [name, optionTexts(options)]));
}

/** `"top-union" (with k, feedback), "union" (with feedback) or "one-vocabulary"`. */
function listOf(kinds: readonly Part[]): string {
  const words = kinds.map((kind) => {
    const options = optionsOf(kind);
    return `"${kind.name}"${options.length === 0 ? "" : ` (with ${options.join(", ")})`}`;
  });
  return words.length === 1 ? words[0] : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

function optionsOf({ options }: Part): string[] {
  return Object.keys(options.shape);
}

function partsWith(kinds: readonly Part[], option: string): string[] {
  return kinds.filter(({ options }) => option in options.shape).map(({ name }) => name);
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNamed(input: unknown, names: readonly string[]): boolean {
  return isPlain(input) && names.includes(String(input.name));
}
