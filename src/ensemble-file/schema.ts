/**
 * An ensemble as a JSON file:
 *
 *     { "members": ["a.gguf", { "model": "b.gguf", "weight": 2 }],
 *       "method": { "name": "unite", "k": 20 },
 *       "request": { "temperature": 0.7, "maxTokens": 200, "chat": true } }
 *
 * What a field must be is said here, by type; ranges are checked by whoever uses the value.
 */
import { z } from "zod";
import { cascadeInfos } from "../after/cascade/registry.js";
import { regenerationInfos } from "../after/regenerate/registry.js";
import { selectionInfos } from "../after/select/registry.js";
import { routerInfos } from "../before/registry.js";
import { MEMBER_FAILURE_CHOICES } from "../decoding/member-failure.js";
import { samplerFields } from "../decoding/sampler-options.js";
import { methodInfos } from "../during/methods.js";
import { SCHEDULE_CHOICES } from "../ensemble/plan.js";
import { llamaParameters } from "../llama/parameters.js";
import { SERVER_KINDS } from "../member/remote/server.js";

const templateVariables = z.record(z.string(), z.json());

const member = z.strictObject({
  model: z.string().min(1).meta({
    description:
      "Path of a GGUF file, relative to this file; a native model's name such as robin; ollama:NAME:TAG; an hf: or https: URI; or a server's address.",
  }),
  url: z.string().min(1).optional().meta({ description: "Address of a server that has the model, in place of model." }),
  kind: z.enum(SERVER_KINDS).optional().meta({ description: "The server's interface. Default: found by asking it." }),
  tokenizer: z.string().min(1).optional().meta({
    description: "The served model's tokenizer.json, relative to this file: for vLLM and OpenAI's interface.",
  }),
  apiKeyFile: z.string().min(1).optional().meta({ description: "File with the server's key, relative to this file." }),
  topDepth: z
    .union([z.int(), z.literal("all")])
    .optional()
    .meta({ description: "Most probable tokens that the server reports at a step. Default: 100, or what it allows." }),
  servedModel: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "What the server calls the model. Default: its first." }),
  name: z.string().min(1).optional().meta({ description: "What results call it. Default: the file's name." }),
  weight: z.number().optional().meta({ description: "Share of the vote, relative to the others. Default 1." }),
  threads: z.int().optional().meta({ description: "CPU threads. Default: measured at load." }),
  contextSize: z.int().optional().meta({ description: "Tokens of prompt and answer that fit. Default 4096." }),
  isolate: z.boolean().optional().meta({ description: "Run it in a process of its own. Default false." }),
  templateVariables: templateVariables.optional().meta({ description: "Variables of its chat template." }),
  ...llamaParameters.shape,
});

const method = z.looseObject({
  name: z.string().min(1).optional().meta({
    description: "A method, a router, a selection, a regeneration or a cascade. Put options beside the name.",
  }),
  router: z.string().optional().meta({ description: "File of a fitted router, relative to this file." }),
  cascade: z.string().optional().meta({ description: "File of a fitted cascade, relative to this file." }),
  classifier: z.string().optional().meta({ description: "File of a trained classifier (cds), relative to this file." }),
});

const request = z.strictObject({
  templateVariables: templateVariables
    .optional()
    .meta({ description: 'Variables of the members\' chat templates: { "enable_thinking": false }.' }),
  thinking: z
    .union([z.enum(["off", "private"]), z.int(), z.strictObject({ budget: z.int() })])
    .optional()
    .meta({
      description:
        'Whether members think before they answer a conversation: "off", "private", or a number of tokens at most. Default: off where a chat template can, else private.',
    }),
  now: z.string().optional().meta({ description: "The date that chat templates write. Default: today." }),
  maxTokens: z
    .int()
    .optional()
    .meta({ description: "Steps of the answer at most, thoughts not counted. Default 256." }),
  ...samplerFields,
  stop: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .meta({ description: "Texts that end the answer." }),
  healing: z.boolean().optional().meta({
    description: "Token healing: a prompt that ends inside a token goes on as if written at once. Default false.",
  }),
  speculation: z
    .union([z.literal("auto"), z.literal(false)])
    .optional()
    .meta({ description: "Read text that is likely to come at once, where that is faster. Default false." }),
  exact: z.boolean().optional().meta({
    description: "Answer alone, so that a seed repeats an answer to the last bit. Default false.",
  }),
  format: z
    .union([
      z.strictObject({ schema: z.union([z.record(z.string(), z.unknown()), z.boolean(), z.string()]) }),
      z.strictObject({ regex: z.string() }),
      z.strictObject({ grammar: z.string() }),
    ])
    .optional()
    .meta({
      description:
        'The form that answers have to have: { "schema": … } (a JSON schema), { "regex": "…" } or { "grammar": "…" }.',
    }),
  chat: z.boolean().optional().meta({ description: "Ask a prompt as a user, in each member's chat template." }),
  system: z.string().optional().meta({ description: "System message; implies chat." }),
});

const serve = z.strictObject({
  methods: z
    .union([z.literal("all"), z.array(z.string())])
    .optional()
    .meta({
      description: 'Methods that a request may name in the place of the file\'s own: names, or "all". Default: none.',
    }),
  weights: z.boolean().optional().meta({ description: "Whether a request may give other weights. Default false." }),
  pin: z.boolean().optional().meta({ description: "Whether it stays loaded where memory ends. Default false." }),
});

/** What clients of a server may change of an ensemble, and how it is kept. */
export type Serving = z.infer<typeof serve>;

/** The file with members and method written out as objects, or as the schema allows people to write them. */
function fileOf<Member extends z.ZodType, Method extends z.ZodType>(members: Member, methods: Method) {
  return z.strictObject({
    $schema: z.string().optional().meta({ description: "The schema that editors check this file with." }),
    members: z.array(members).min(1).meta({ description: "The models; one or any number." }),
    method: methods.optional().meta({ description: 'How they are fused, or a router or cascade. Default "unite".' }),
    schedule: z.enum(SCHEDULE_CHOICES).optional().meta({ description: 'How members share the cores. Default "auto".' }),
    gpu: z
      .union([z.enum(["auto", "cuda", "vulkan", "metal"]), z.literal(false)])
      .optional()
      .meta({ description: 'Compute backend. Default "auto".' }),
    fit: z.boolean().optional().meta({ description: "Divide layers over members and GPUs so that all fit." }),
    slots: z.int().optional().meta({
      description: "Requests that are answered side by side, each in a context of its own. Default 1.",
    }),
    timeoutMs: z.number().optional().meta({ description: "Milliseconds without progress before a member is hung." }),
    onMemberFailure: z
      .enum(MEMBER_FAILURE_CHOICES)
      .optional()
      .meta({ description: 'Whether an answer fails or continues when a member fails. Default "fail".' }),
    request: request.optional().meta({ description: "Defaults of every request." }),
    serve: serve.optional().meta({ description: 'What clients of "llamafuse serve" may change.' }),
  });
}

/** With members and method as objects. */
export const writtenOut = fileOf(member, method);

export type WrittenOut = z.infer<typeof writtenOut>;

/** The JSON schema that editors read: `ensemble.schema.json` of the package. */
export function ensembleJsonSchema(): Record<string, unknown> {
  const names = z.enum(
    [...methodInfos, ...routerInfos, ...selectionInfos, ...regenerationInfos, ...cascadeInfos].map(
      ({ name }) => name,
    ) as [string, ...string[]],
  );
  const file = z
    .string()
    .regex(/\.json$/)
    .meta({ description: "File of a fitted router, relative to this file." });
  const named = method.extend({ name: names.optional() });
  const asWritten = fileOf(
    z.union([z.string().min(1), member.partial({ model: true })]),
    z.union([names, file, named]),
  );
  return { title: "An ensemble of Llamafuse", ...z.toJSONSchema(asWritten, { io: "input" }) };
}
