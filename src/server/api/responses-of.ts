/** What routes answer with, for the OpenAPI document. */
import { z } from "@hono/zod-openapi";

export const apiErrorSchema = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable().openapi({ description: "The field of the request that is wrong." }),
      code: z.string(),
    }),
  })
  .openapi("Error");

const failure = (description: string) => ({ description, content: { "application/json": { schema: apiErrorSchema } } });

/** What every route that works with a model can end with. */
export const failures = {
  400: failure("A parameter is wrong; `param` names it."),
  401: failure("No key, or a wrong one."),
  403: failure("A host or an origin that is not allowed."),
  404: failure("No such model."),
  413: failure("A body, or a prompt, that is too large."),
  429: failure("Too many requests wait; Retry-After says when to ask again."),
  503: failure("The model cannot be loaded, or the server ends."),
  504: failure("The answer took longer than a request may take."),
};

export function jsonContent(schema: z.ZodType) {
  return { "application/json": { schema } };
}
