/** /tokenize, /detokenize and /tokenizer_info in vLLM's shapes: the token ids of a model's first member. */
import { z } from "@hono/zod-openapi";
import { checkText } from "../../decoding/messages.js";
import { renderPrompt } from "../../decoding/prompt.js";
import type { Member } from "../../member/member.js";
import { TokenClass } from "../../vocabulary/vocabulary.js";
import type { App } from "../app.js";
import { badRequest, reading } from "../refusals.js";
import { message, messagesOf } from "./chat-request.js";
import { type AppContext, type Backend, underSignal } from "./context.js";
import { postJson } from "./post-json.js";
import { firstMember, tokenBytes } from "./token-texts.js";

const model = z.string().max(200).nullish().openapi({ description: "A model's id. Default: the first one." });

const tokenizeRequest = z
  .strictObject({
    model,
    prompt: z.string().nullish().openapi({ description: "A text, or messages in its place." }),
    messages: z.array(message).min(1).nullish(),
    add_special_tokens: z
      .boolean()
      .nullish()
      .openapi({ description: "Whether a text begins with the beginning-of-text token. Default true." }),
    add_generation_prompt: z.literal(true).nullish(),
    return_token_strs: z.boolean().nullish(),
  })
  .openapi("TokenizeRequest");

const detokenizeRequest = z
  .strictObject({ model, tokens: z.array(z.int().min(0)).min(1) })
  .openapi("DetokenizeRequest");

type TokenizeBody = z.infer<typeof tokenizeRequest>;

const tokenized = z
  .object({
    count: z.int(),
    max_model_len: z.int(),
    tokens: z.array(z.int()),
    token_strs: z.array(z.string()).nullable(),
  })
  .openapi("Tokens");

export function tokenizerRoutes(app: App, backend: Backend): void {
  const withMember = <Result>(
    c: AppContext,
    id: string | null | undefined,
    work: (member: Member) => Promise<Result>,
  ) =>
    underSignal(c, backend, (signal) =>
      backend.models.use(id ?? backend.models.entries[0].spec.id, signal, (loaded) =>
        work(firstMember(loaded, "model")),
      ),
    );

  const tokenize = {
    path: "/tokenize",
    summary: "The token ids of a text or of a conversation",
    body: tokenizeRequest,
    answer: tokenized,
  };
  postJson<TokenizeBody>(app, backend, tokenize, async (c, body) =>
    c.json(await withMember(c, body.model, (member) => tokensOf(member, body))),
  );

  const detokenize = {
    path: "/detokenize",
    summary: "The text of token ids",
    body: detokenizeRequest,
    answer: z.object({ prompt: z.string() }),
  };
  postJson<z.infer<typeof detokenizeRequest>>(app, backend, detokenize, async (c, body) =>
    c.json(
      await withMember(c, body.model, async ({ vocabulary }) => {
        const parts = reading("tokens", () => tokenBytes(vocabulary, body.tokens));
        return { prompt: new TextDecoder().decode(Buffer.concat(parts)) };
      }),
    ),
  );

  app.get("/tokenizer_info", async (c) =>
    c.json(await withMember(c, c.req.query("model"), async (member) => infoOf(member))),
  );
}

async function tokensOf(member: Member, body: TokenizeBody): Promise<z.infer<typeof tokenized>> {
  const { prompt, messages, add_special_tokens: addSpecial, return_token_strs: withTexts } = body;
  if ((prompt == null) === (messages == null)) throw badRequest("prompt", "Give either prompt or messages.");
  const ids = Array.from(
    prompt != null
      ? await member.tokenize(textOf(prompt), { parseSpecial: true, addBos: addSpecial ?? true })
      : await tokensOfChat(member, messages!),
  );
  const { vocabulary } = member;
  const name = (id: number) =>
    vocabulary.classOf(id) === TokenClass.text
      ? new TextDecoder().decode(Uint8Array.from(vocabulary.bytesOf(id)))
      : vocabulary.textOf(id);
  return {
    count: ids.length,
    max_model_len: member.contextSize,
    tokens: ids,
    token_strs: withTexts === true ? ids.map(name) : null,
  };
}

function textOf(prompt: string): Uint8Array {
  if (prompt !== "") reading("prompt", () => checkText(prompt, "The prompt"));
  return new TextEncoder().encode(prompt);
}

async function tokensOfChat(member: Member, messages: z.infer<typeof message>[]): Promise<Int32Array> {
  const { text, ...options } = renderPrompt(messagesOf(messages), member).prompt;
  return await member.tokenize(text, options);
}

/** What tokenizer_config.json says of a model elsewhere. */
function infoOf({ name, vocabulary, contextSize, facts }: Member): Record<string, unknown> {
  return {
    tokenizer_class: vocabulary.kind,
    model_max_length: contextSize,
    vocab_size: vocabulary.size,
    bos_token: facts.bosText === "" ? null : facts.bosText,
    eos_token: facts.eosText === "" ? null : facts.eosText,
    pad_token: null,
    chat_template: facts.chatTemplate ?? null,
    llamafuse: { member: name },
  };
}
