/** Tools as /v1/chat/completions has them, and as the library does. */
import { randomUUID } from "node:crypto";
import { z } from "@hono/zod-openapi";
import type { FinishReason } from "../../decoding/result.js";
import type { Tool, ToolCall, ToolChoice, ToolOptions } from "../../decoding/tools/tools.js";

const tool = z.looseObject({
  type: z.literal("function"),
  function: z.looseObject({
    name: z.string(),
    description: z.string().nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish(),
  }),
});

const choice = z.union([
  z.enum(["none", "auto", "required"]),
  z.looseObject({ type: z.literal("function"), function: z.looseObject({ name: z.string() }) }),
]);

export const toolParameters = {
  tools: z.array(tool).nullish().openapi({ description: "Functions that the answer may call." }),
  tool_choice: choice.nullish().openapi({ description: "Whether it calls one, or which. Default: auto." }),
  parallel_tool_calls: z.boolean().nullish().openapi({ description: "Whether it may call several. Default: true." }),
};

export interface ToolBody {
  tools?: z.infer<typeof tool>[] | null;
  tool_choice?: z.infer<typeof choice> | null;
  parallel_tool_calls?: boolean | null;
}

export function toolsOf({ tools, tool_choice: asked, parallel_tool_calls: parallel }: ToolBody): ToolOptions {
  const toolChoice: ToolChoice | undefined =
    asked == null ? undefined : typeof asked === "string" ? asked : { name: asked.function.name };
  // What says nothing without tools is no error there.
  if (tools == null || tools.length === 0)
    return toolChoice === undefined || toolChoice === "auto" ? {} : { toolChoice };
  return {
    tools: tools.map(
      ({ function: { name, description, parameters } }): Tool => ({
        name,
        ...(description != null && { description }),
        ...(parameters != null && { parameters }),
      }),
    ),
    ...(toolChoice !== undefined && { toolChoice }),
    ...(parallel != null && { parallelToolCalls: parallel }),
  };
}

/** A call as the API tells it; its arguments are JSON there. */
export function toldCall({ name, arguments: given }: ToolCall) {
  const id = `call_${randomUUID().replaceAll("-", "").slice(0, 24)}`;
  return { id, type: "function", function: { name, arguments: JSON.stringify(given) } };
}

export function finishReasonOf(reason: FinishReason): string {
  return reason === "tool-calls" ? "tool_calls" : reason;
}
