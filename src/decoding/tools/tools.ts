/**
 * Functions of the caller's that an answer may call. The members are told of them (told.ts); a call is text of one form,
 * whoever answers, which the form of the answer holds to the functions' names and schemas (call-form.ts):
 *
 *     <tool_call>
 *     {"name": "add", "arguments": {"a": 1, "b": 2}}
 *     </tool_call>
 *
 * It is the form of Hermes' and Qwen's templates. Nothing is run here: the caller runs what is called, and goes on with the
 * result as a message of the role "tool".
 */
import { LlamafuseError } from "../../errors.js";
import { checkSwitch, guarded, refuse, shown } from "../../read-options.js";
import type { PromptInput } from "../prompt.js";
import { callForm } from "./call-form.js";

export interface Tool {
  /** Letters, digits, "_", "." and "-". */
  name: string;
  /** What it does, for the members to read. */
  description?: string;
  /** JSON schema of the arguments, an object's. Default: there are none. */
  parameters?: object;
}

/** `auto`: the answer may call; `none`: it may not; `required`: it calls; a name: it calls that one. */
export type ToolChoice = "auto" | "none" | "required" | { name: string };

export interface ToolOptions {
  /** Functions that the answer may call; they need a conversation. What it calls is `toolCalls` of the result. */
  tools?: readonly Tool[];
  /** Whether it has to call one. Default: "auto". */
  toolChoice?: ToolChoice;
  /** Whether it may call several, one after another. Default true. */
  parallelToolCalls?: boolean;
}

export interface ToolCall {
  name: string;
  arguments: Record<string, unknown>;
}

const NAME = /^[\w.-]{1,64}$/;
const CHOICES = ["auto", "none", "required"];
/** More are more than a small model's context holds. */
const MOST_TOOLS = 128;

/** A copy of them. Errors: invalid-option. */
export function checkTools({ tools, toolChoice, parallelToolCalls }: ToolOptions, prompt: PromptInput): ToolOptions {
  checkSwitch("parallelToolCalls", parallelToolCalls);
  return guarded("tools", () => {
    if (tools === undefined) {
      for (const [option, value] of Object.entries({ toolChoice, parallelToolCalls }))
        if (value !== undefined && value !== "none") refuse(option, value, "none without tools: give tools too");
      return {};
    }
    if (!Array.isArray(tools) || tools.length === 0 || tools.length > MOST_TOOLS)
      return refuse("tools", tools, `a list of 1 to ${MOST_TOOLS} tools: [{ name, description, parameters }]`);
    if (!Array.isArray(prompt))
      return refuse("tools", "a prompt that is no conversation", "a list of messages, or a text with chat: true");
    const known = tools.map(checkTool);
    const twice = known.find(({ name }, index) => known.findIndex((other) => other.name === name) < index);
    if (twice !== undefined) return refuse("tools", twice.name, "one tool of each name");
    const options = {
      tools: known,
      toolChoice: checkChoice(toolChoice, known),
      ...(parallelToolCalls !== undefined && { parallelToolCalls }),
    };
    callsOf(options);
    return options;
  });
}

/** The form of an answer that may call; undefined where it may not. Errors: invalid-option. */
export function callsOf({ tools, toolChoice = "auto", parallelToolCalls }: ToolOptions): string | undefined {
  if (tools === undefined || toolChoice === "none") return undefined;
  const callable = typeof toolChoice === "object" ? tools.filter(({ name }) => name === toolChoice.name) : tools;
  return callForm(callable, { isFree: toolChoice === "auto", isOne: parallelToolCalls === false });
}

function checkTool(given: unknown, index: number): Tool {
  const place = `tools[${index}]`;
  if (typeof given !== "object" || given === null || Array.isArray(given))
    return refuse(place, given, "an object: { name, description, parameters }");
  const unknown = Object.keys(given).find((key) => !["name", "description", "parameters"].includes(key));
  if (unknown !== undefined) return refuse(place, unknown, "name, description and parameters");
  const { name, description, parameters } = structuredClone(given) as Partial<Record<keyof Tool, unknown>>;
  if (typeof name !== "string" || !NAME.test(name))
    return refuse(`${place}.name`, name, 'letters, digits, "_", "." and "-", 64 at most');
  if (description !== undefined && typeof description !== "string")
    return refuse(`${place}.description`, description, "a text");
  if (parameters !== undefined && (typeof parameters !== "object" || parameters === null || Array.isArray(parameters)))
    return refuse(`${place}.parameters`, parameters, "a JSON schema of an object");
  return {
    name,
    ...(description !== undefined && { description }),
    ...(parameters !== undefined && { parameters: parameters as object }),
  };
}

function checkChoice(given: unknown = "auto", tools: readonly Tool[]): ToolChoice {
  if (CHOICES.includes(given as string)) return given as ToolChoice;
  const name = (given as { name?: unknown } | null)?.name;
  if (tools.some((tool) => tool.name === name)) return { name: name as string };
  const names = tools.map((tool) => `{ name: "${tool.name}" }`).join(" or ");
  return refuse("toolChoice", given, `"auto", "none", "required", ${names}`);
}

/** Error: invalid-option where a system that does not take tools is asked with some. */
export function refuseTools({ tools }: ToolOptions, system: string): void {
  if (tools === undefined) return;
  throw new LlamafuseError(
    "invalid-option",
    `${system} takes no tools: it compares answers as texts. Take a method of fusion, or a router.`,
    { option: "tools", found: shown(tools.map(({ name }) => name)), allowed: "none", method: system },
  );
}
