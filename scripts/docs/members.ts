/** docs/members.md: what a member can be told about where and how it runs. */

import { ensembleJsonSchema } from "../../src/ensemble-file/schema.js";
import { FIT_MARGIN_BYTES } from "../../src/llama/fit.js";
import { LLAMA_PARAMETER_NAMES, llamaParameters } from "../../src/llama/parameters.js";
import { MOST_BYTES, MOST as MOST_CHECKPOINTS } from "../../src/member/llama/checkpoints.js";
import { PROMPT_SHARE } from "../../src/member/llama/round-shares.js";
import { textTable } from "./markdown.js";

/** What an option is called on the command line. */
const FLAGS: Readonly<Record<(typeof LLAMA_PARAMETER_NAMES)[number], string>> = {
  gpuLayers: "--gpu-layers 20",
  device: "--device CUDA1",
  mainGpu: "--main-gpu 1",
  tensorSplit: "--tensor-split 3,1",
  flashAttention: "--flash-attention on",
  cacheType: "--cache-type q8_0,f16",
  loraAdapters: "--lora a.gguf:0.5,b.gguf",
  ropeScaling: "--rope-scaling yarn:4:8192",
  mmap: "--mmap off",
  mlock: "--mlock on",
};

export function membersPage(): string {
  const known = new Set(Object.keys(memberSchema()));
  const rows = LLAMA_PARAMETER_NAMES.filter((name) => known.has(name)).map((name) => [
    `\`${name}\``,
    `\`${FLAGS[name]}\``,
    llamaParameters.shape[name].meta()?.description ?? "",
  ]);
  return `# Where and how a member runs

A member is a model file with options. They are the same in the library, in an ensemble file and on the command line:

\`\`\`json
{ "members": [
    { "model": "big.gguf", "device": "CUDA0", "cacheType": "q8_0" },
    { "model": "small.gguf", "device": "CUDA1", "loraAdapters": [{ "file": "style.gguf", "scale": 0.5 }] } ] }
\`\`\`

\`\`\`sh
llamafuse generate -m big.gguf --device CUDA0 -m small.gguf --device CUDA1 --cache-type q8_0 "Why is the sky blue?"
\`\`\`

On the command line an option stands once for all members, or once for each of them, in the order of \`-m\`.

${textTable(["option", "command line", "what it does"], rows)}

Beside them: \`name\`, \`weight\`, \`threads\`, \`contextSize\` and \`templateVariables\` of its chat template. A member may also be
on [another machine](distributed.md).

## Memory
\`llamafuse inspect model.gguf --context-size 8192\` shows what weights and cache need, and the devices with their free
memory. \`listDevices()\` of the library gives the devices:

\`\`\`ts
import { listDevices } from "llamafuse";
for (const { name, freeBytes } of listDevices({ gpu: false })) console.log(name, "has", freeBytes, "bytes free");
\`\`\`

A load that fails says llama.cpp's own last words first, then what the load needs and what is free, then a guess. The
words come from a second try in a process of its own, so that the log of other members is not touched.

## Many requests at once
\`slots: 4\` (library, ensemble file, \`--slots\`; default 1) lets loaded members answer four requests side by side. Each request
has a text of its own in every member, and what all of them have to read is read in one decode a member: a step of each
answer, and up to ${PROMPT_SHARE} tokens of prompts beside steps (512 without), shared evenly, so that a short prompt is read at
once beside a long one. Requests that find no free slot wait in the order in which they came. One that is cancelled, fails or
fills its context does not touch the others.

\`\`\`ts
import { createEnsemble } from "llamafuse";

const ensemble = await createEnsemble({ members: ["robin", "wren"], slots: 4 });
const prompts = ["Once upon a time", "One day", "The capital of", "A cow says"];
const answers = await Promise.all(prompts.map((prompt) => ensemble.generate(prompt, { maxTokens: 20 })));
for (const { text } of answers) console.log(text);
await ensemble.dispose();
\`\`\`

Memory: the keys and values of \`contextSize\` tokens for each slot, slots × contextSize × bytes of a token in all; the mask of
a decode, 4 × 512 × contextSize bytes a slot; and the numbers that a member reports, about 20 bytes a token of its
vocabulary and slot.

Decodes of several texts round differently: choices may differ where two are equal within that rounding. \`exact: true\` on a
request answers it alone, without \`speculation\` and \`reusePrompt\`, as with one slot to the last bit. With
\`reusePrompt: true\` a prompt begins with what any slot of the member holds of it; nothing is computed or copied for that.

What it gains, with the native models and a tiny pair on two cores (\`npm run bench -- many\`,
[figures](measurements.md#speed-many-requests-at-once)): 8 at once make 2.2 to 2.5 times the steps that they make one after another. A
request alone in an ensemble with slots is somewhat slower than in one without (110 against 121 steps a second with 16 slots), so
leave \`slots\` out where requests do not overlap.

- One after another all the same: requests by \`smc\` (branches), selections, routers, cascades, and \`eval\`.
- In their slots, but by decodes of their own, for which the others wait: drafting, verifying and assessing texts (span methods,
  \`bytes\`, speculation), hidden states, and scores of whole prompts.
- Members that keep a recurrent state, that run in a process of their own, or that were made elsewhere without \`slots\`,
  answer one request at a time whatever \`slots\` says; \`slots\` of what \`loadMembers\` returns is the number in use.

## Fit
\`fit: true\` (\`--fit\`) divides the layers before anything is loaded, by the files' sizes and the devices' free memory,
and leaves ${FIT_MARGIN_BYTES / 2 ** 20} MiB of each card free:

1. The largest member first, each goes whole onto the card that it leaves the least room on: two members, two cards.
2. Members that no single card holds share what is left, of each the same share, divided over the cards.
3. The rest stays in the machine's memory.

What a member says itself (\`gpuLayers\`, \`device\`, \`mainGpu\`, \`tensorSplit\`) stays as it is.

## LoRA adapters
Adapters are GGUF files of llama.cpp's \`convert_lora_to_gguf.py\`, for the member's own model; they are checked against it
before llama.cpp reads them. A weight W becomes W + scale · alpha/rank · B·A. Paths in an ensemble file are relative to it.

## Longer texts
\`ropeScaling: { "type": "yarn", "factor": 4, "originalContext": 8192 }\` with a larger \`contextSize\`. Without \`type\` the
file's own is used, or linear where it has none.

## Cache
\`q8_0\` halves the cache's memory and changes logits a little; \`{ "k": "q8_0", "v": "f16" }\` leaves the values alone. A
quantised format needs heads of a multiple of 32, and for values flash attention.

## Recurrent and hybrid models
Mamba, RWKV, Granite hybrids, LFM2, Qwen3-Next and their kind keep a state instead of, or beside, keys and values, and
cannot drop tokens from it. Where feedback takes text back, such a member returns to a saved state, a checkpoint, and reads
only what comes after it:

- The end of the prompt is saved always; each step after that only once text is fed back as text, or looked ahead in.
- A checkpoint holds the state and the logits. \`llamafuse inspect\` shows its bytes, and \`member.offers.goingBack\` has them
  exactly; saving one copies so many bytes.
- A member keeps at most ${MOST_CHECKPOINTS} of them, and at most ${MOST_BYTES / 2 ** 20} MiB, but always two. They lie close together at the end of the text and
  far apart before it, so that going back d tokens reads about d/3 tokens more where ${MOST_CHECKPOINTS} fit.
- The same state goes on as before: logits after going back to a checkpoint are the same bit for bit. Where tokens are read
  again in another batch they differ by llama.cpp's rounding, as in every model.

Models of 8 to 10 MB behind 256 tokens of prompt took 24 (Granite hybrid, LFM2) and 38 (Mamba) times as long for a step that takes
tokens back when they read the text again (\`npm run bench -- recurrent\`, 2026-12-01).

llama.cpp's own snapshots (\`n_rs_seq\`) are not used: they hold places of the last batch only, so a text that grew step by step
cannot go back by them, and only some architectures have them.

## Checked how
Each option is tested by its effect on llama.cpp: adapters against logits computed by hand, cache formats by the bytes that a
context keeps, positions against a file that says the same, mapping and locking by what the system says of the process.
Choosing a device is tried on a software Vulkan driver. Two cards were not at hand: \`tensorSplit\` and \`fit\` over two cards
are tested as arithmetic only. See [running on a graphics card](gpu.md).
`;
}

/** The members' options in the ensemble file. */
function memberSchema(): Record<string, unknown> {
  const { properties } = ensembleJsonSchema() as {
    properties: { members: { items: { anyOf: { properties?: Record<string, unknown> }[] } } };
  };
  return properties.members.items.anyOf.find((one) => one.properties !== undefined)!.properties!;
}
