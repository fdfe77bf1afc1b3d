/** The form that an answer has to have, as OpenAI's APIs say it; see docs/formats.md for what of a schema is enforced. */
import { z } from "@hono/zod-openapi";
import { checkFormat, type Format } from "../../decoding/format/format.js";
import { badRequest, reading } from "../refusals.js";

const schema = z.record(z.string(), z.unknown());
const named = { name: z.string().optional(), description: z.string().nullish(), strict: z.boolean().nullish() };

/** Of chat and completions. */
export const responseFormat = z
  .strictObject({
    type: z.enum(["text", "json_object", "json_schema"]),
    json_schema: z.strictObject({ ...named, schema: schema.optional() }).optional(),
  })
  .nullish()
  .openapi({ description: "JSON of any object, or of a schema." });

/** Of responses. */
export const textFormat = z.strictObject({
  type: z.enum(["text", "json_object", "json_schema"]),
  ...named,
  schema: schema.optional(),
});

export interface AskedFormat {
  type: "text" | "json_object" | "json_schema";
  schema?: object;
}

/** `param`: where the schema stands in the request. Errors: invalid-option. */
export function formatOf({ type, schema: given }: AskedFormat, param: string): { format?: Format } {
  if (type === "text") return {};
  if (type === "json_schema" && given === undefined) {
    throw badRequest(param, "The format json_schema needs a schema. Give one, or take json_object.");
  }
  const format = { schema: type === "json_object" ? { type: "object" } : given! };
  reading(param, () => checkFormat(format));
  return { format };
}
