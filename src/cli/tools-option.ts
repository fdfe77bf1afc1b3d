/** The option by which commands say what functions an answer may call, and how they print what it calls. */
import type { ToolCall, ToolChoice, ToolOptions } from "../decoding/tools/tools.js";
import { LlamafuseError } from "../errors.js";

export interface ToolFlags {
  /** JSON by now. */
  tools?: string;
  toolChoice?: string;
}

/** Choices that are not a tool's name. */
const CHOICES = ["auto", "none", "required"];

export const TOOLS = [
  "--tools <file>",
  "functions that the answer may call, as JSON: [{ name, description, parameters }], or as OpenAI's API has them; implies --chat",
] as const;

export const TOOL_CHOICE = [
  "--tool-choice <choice>",
  "whether the answer calls a function: auto, none, required, or the name of one (default: auto)",
] as const;

/** Error: invalid-option for what is no JSON. */
export function toolsOption({ tools, toolChoice: choice }: ToolFlags): Pick<ToolOptions, "tools" | "toolChoice"> {
  const toolChoice = choice === undefined || CHOICES.includes(choice) ? (choice as ToolChoice) : { name: choice };
  const chosen = toolChoice === undefined ? {} : { toolChoice };
  if (tools === undefined) return chosen;
  try {
    const given: unknown = JSON.parse(tools);
    return { tools: (Array.isArray(given) ? given.map(plainTool) : given) as ToolOptions["tools"], ...chosen };
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
