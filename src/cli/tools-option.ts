/** The option by which commands say what functions an answer may call, and how they print what it calls. */
import type { ToolCall, ToolOptions } from "../decoding/tools/tools.js";
import { LlamafuseError } from "../errors.js";

export interface ToolFlags {
  /** JSON by now. */
  tools?: string;
}

export const TOOLS = [
  "--tools <file>",
  "functions that the answer may call, as JSON: [{ name, description, parameters }], or as OpenAI's API has them; implies --chat",
] as const;

/** Error: invalid-option for what is no JSON. */
export function toolsOption({ tools }: ToolFlags): Pick<ToolOptions, "tools"> {
  if (tools === undefined) return {};
  try {
    const given: unknown = JSON.parse(tools);
    return { tools: (Array.isArray(given) ? given.map(plainTool) : given) as ToolOptions["tools"] };
  } catch (cause) {
    const message = `The file of --tools is no JSON: ${(cause as Error).message}.`;
    throw new LlamafuseError("invalid-option", message, { option: "tools", allowed: "JSON" }, cause);
  }
}

/** A line of JSON for each call. */
export function renderCalls(calls: readonly ToolCall[] = []): string {
  return calls.map((call) => `${JSON.stringify(call)}\n`).join("");
}

function plainTool(given: unknown): unknown {
  const { type, function: called } = (given ?? {}) as { type?: unknown; function?: unknown };
  if (type !== "function" || typeof called !== "object" || called === null) return given;
  const { strict: _, ...tool } = called as Record<string, unknown>;
  return tool;
}
