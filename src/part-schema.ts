/** Options that name a part of a method, alone or with the part's own options. */
import { z } from "zod";

type Named = z.ZodObject<{ name: z.ZodLiteral<string> } & z.core.$ZodLooseShape>;
type NameOf<Kind extends Named> = Kind extends Named ? z.input<Kind>["name"] : never;
/** The part `Name` with its name left out. */
type Unnamed<Kind extends Named, Name> = Omit<Extract<z.input<Kind>, { name: Name }>, "name"> & { name?: Name };

/**
 * A schema that takes `"top-union"` for `{ name: "top-union" }`, and `{ k: 20 }` and nothing for the part `usual`. Other
 * names, and options that the part has not, are told with those there are.
 */
export function partSchema<const Kinds extends readonly [Named, ...Named[]], const Usual extends NameOf<Kinds[number]>>(
  kinds: Kinds,
  usual: Usual,
) {
  const names = kinds.map(nameOf);
  const schema = z.discriminatedUnion("name", kinds as unknown as [Named, ...Named[]], {
    error: ({ input }) => (isNamed(input, names) ? undefined : `must be one of ${names.join(", ")}`),
  });
  const spelled = z.preprocess((given, context) => {
    const part = typeof given === "string" ? { name: given } : isPlain(given) ? { name: usual, ...given } : given;
    const kind = isPlain(part) ? kinds.find((each) => nameOf(each) === part.name) : undefined;
    const unknown = kind && Object.keys(part as object).find((option) => !(option in kind.shape));
    if (unknown !== undefined) {
      const params = { unknown, part: nameOf(kind!), known: optionsOf(kind!), parts: partsWith(kinds, unknown) };
      context.addIssue({ code: "custom", message: "is unknown", params, input: given });
    }
    return part;
  }, schema);
  return spelled.prefault({ name: usual }) as unknown as z.ZodPrefault<
    z.ZodType<z.output<Kinds[number]>, z.input<Kinds[number]> | NameOf<Kinds[number]> | Unnamed<Kinds[number], Usual>>
  >;
}

/** An option that a part has not; `params` of the issue that tells it. */
export interface UnknownPartOption {
  unknown: string;
  part: string;
  /** The options of this part. */
  known: string[];
  /** The parts that have such an option. */
  parts: string[];
}

function nameOf(kind: Named): string {
  return kind.shape.name.value;
}

function optionsOf(kind: Named): string[] {
  return Object.keys(kind.shape).filter((option) => option !== "name");
}

function partsWith(kinds: readonly Named[], option: string): string[] {
  return kinds.filter((kind) => option in kind.shape).map(nameOf);
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNamed(input: unknown, names: readonly string[]): boolean {
  return isPlain(input) && names.includes(String(input.name));
}
