/** Options that name a part of a method, alone or with the part's own options. */
import { z } from "zod";

type Named = z.ZodObject<{ name: z.ZodLiteral<string> } & z.core.$ZodLooseShape>;
type NameOf<Kind extends Named> = Kind extends Named ? z.input<Kind>["name"] : never;

/**
 * A schema that takes `"top-union"` for `{ name: "top-union" }`. Other names are told with those there are.
 */
export function partSchema<const Kinds extends readonly [Named, ...Named[]]>(kinds: Kinds) {
  const names = kinds.map((kind) => kind.shape.name.value);
  const schema = z.discriminatedUnion("name", kinds as unknown as [Named, ...Named[]], {
    error: ({ input }) => (isNamed(input, names) ? undefined : `must be one of ${names.join(", ")}`),
  });
  const spelled = z.preprocess((given) => (typeof given === "string" ? { name: given } : given), schema);
  return spelled as unknown as z.ZodType<z.output<Kinds[number]>, z.input<Kinds[number]> | NameOf<Kinds[number]>>;
}

function isNamed(input: unknown, names: readonly string[]): boolean {
  return typeof input === "object" && input !== null && names.includes((input as { name?: string }).name ?? "");
}
