/** Which of a file's chat templates members are read in. */

/** The default one, then those that stand in for it. */
const KEYS = ["tokenizer.chat_template", "tokenizer.chat_template.tool_use"] as const;

/**
 * The chat template of a model's metadata: the default one or, where a file has none, the one named "tool_use", which also
 * renders conversations without tools (llama.cpp's common/chat.cpp chooses alike).
 */
export function chatTemplateIn(metadata: (key: string) => string | undefined): string | undefined {
  return KEYS.map(metadata).find((template) => template !== undefined && template.trim() !== "");
}
