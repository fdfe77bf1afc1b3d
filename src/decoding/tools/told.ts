/**
 * How members are told of functions. A member whose chat template writes calls in our form (tools.ts) reads all through it. For
 * any other member, what its template would say of calls is not what the answer will be, so it is told in plain words: a system
 * text names the functions and the form, calls stand in the assistant's messages, and results in the user's.
 */
import type { MemberFacts } from "../../member/member.js";
import { renderTemplate, type TemplateOptions } from "../chat-template.js";
import { type ChatMessage, contentText } from "../messages.js";
import type { Tool } from "./tools.js";

type Reader = { name: string; facts: MemberFacts };
type Told = { messages: readonly ChatMessage[]; variables: Record<string, unknown> };

/** Of the members that have been asked, whether the template writes calls in our form. */
const known = new WeakMap<MemberFacts, boolean>();

/** The conversation, and the variables for the template. */
export function toldOfTools(messages: readonly ChatMessage[], tools: readonly Tool[], member: Reader): Told {
  const asked = tools.map(({ name, description = "", parameters = { type: "object", properties: {} } }) => ({
    type: "function",
    function: { name, description, parameters },
  }));
  const own = messages.map(withObjects);
  if (knowsOurForm(member)) return { messages: own, variables: { tools: asked } };
  const [first, ...rest] = own;
  const introduction = introduce(asked);
  const isTold = first.role === "system";
  const system: ChatMessage = {
    role: "system",
    content: isTold ? `${contentText(first)}\n\n${introduction}` : introduction,
  };
  return { messages: [system, ...(isTold ? rest : own).reduce(plainly, [])], variables: {} };
}

function introduce(tools: readonly { function: object }[]): string {
  return [
    "You can call these functions:",
    ...tools.map((tool) => JSON.stringify(tool.function)),
    "To call one, write",
    callText("NAME", { PARAMETER: "VALUE" }),
    "and nothing after it. The result comes as <tool_response>. When no function helps, answer in words.",
  ].join("\n");
}

/** As templates write JSON: with a space behind each comma and colon. */
function callText(name: unknown, given: unknown): string {
  return `<tool_call>\n{"name": ${json(name)}, "arguments": ${json(given)}}\n</tool_call>`;
}

function json(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(json).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${json(each)}`);
  return `{${fields.join(", ")}}`;
}

interface GivenCall {
  function?: { name?: unknown; arguments?: unknown };
}

/** Arguments as objects, which templates expect; OpenAI's API has them as JSON. */
function withObjects(message: ChatMessage): ChatMessage {
  if (message.tool_calls === undefined) return message;
  const calls = (message.tool_calls as readonly GivenCall[]).map((call) => ({
    ...call,
    function: { ...call.function, arguments: asObject(call.function?.arguments) },
  }));
  return { ...message, tool_calls: calls };
}

function asObject(given: unknown): unknown {
  if (typeof given !== "string") return given ?? {};
  try {
    return JSON.parse(given);
  } catch {
    return given;
  }
}

/** Results that follow one another are one message. */
function plainly(told: ChatMessage[], message: ChatMessage): ChatMessage[] {
  const { role, content: _, tool_calls, tool_call_id, ...more } = message;
  const text = contentText(message);
  if (role === "tool") {
    const response = `<tool_response>\n${text}\n</tool_response>`;
    const last = told.at(-1);
    if (last?.role === "user" && contentText(last).endsWith("</tool_response>"))
      return [...told.slice(0, -1), { ...last, content: `${contentText(last)}\n${response}` }];
    return [...told, { role: "user", content: response }];
  }
  const calls = ((tool_calls ?? []) as readonly GivenCall[]).map((call) =>
    callText(call.function?.name, call.function?.arguments),
  );
  return [...told, { ...more, role, content: [text, ...calls].filter((part) => part !== "").join("\n") }];
}

/** Asked with a conversation that has a call. */
function knowsOurForm(member: Reader): boolean {
  const before = known.get(member.facts);
  if (before !== undefined) return before;
  const call = { type: "function", function: { name: "sum", arguments: { a: 1, b: 2 } } };
  const messages: ChatMessage[] = [
    { role: "user", content: "One and two?" },
    { role: "assistant", content: "", tool_calls: [call] },
    { role: "tool", content: "3", name: "sum" },
  ];
  const schema = { type: "object", properties: { a: { type: "integer" }, b: { type: "integer" } } };
  const tools = [{ type: "function", function: { name: "sum", description: "A sum.", parameters: schema } }];
  let knows = false;
  try {
    const options: TemplateOptions = { variables: { tools } };
    const text = renderTemplate(messages, member, options).value;
    knows = text.includes(callText("sum", { a: 1, b: 2 })) && text.includes("A sum.");
  } catch {
    // A template that refuses calls does not know our form.
  }
  known.set(member.facts, knows);
  return knows;
}
