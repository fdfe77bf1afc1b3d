/** Options of the command line that say how each member is loaded and run. */
import type { Command } from "commander";
import { LlamafuseError } from "../errors.js";
import type { CacheType, LlamaParameters, LoraAdapter, RopeScaling } from "../llama/parameters.js";
import { isServerAddress, type MemberOptions, type RemoteParameters } from "../member/member-options.js";
import { SERVER_KINDS, type ServerKind } from "../member/remote/server.js";

/** Each given once, for all members, or once for each member, in their order. */
export interface MemberFlags {
  gpuLayers?: (number | "max")[];
  device?: (string | string[])[];
  mainGpu?: number[];
  tensorSplit?: number[][];
  flashAttention?: (boolean | "auto")[];
  cacheType?: { k: CacheType; v: CacheType }[];
  lora?: LoraAdapter[][];
  ropeScaling?: RopeScaling[];
  mmap?: boolean[];
  mlock?: boolean[];
  serverKind?: ServerKind[];
  tokenizer?: string[];
  serverKeyFile?: string[];
  topDepth?: (number | "all")[];
  servedModel?: string[];
}

const EACH = "; once for all members, or once for each";
const EACH_SERVER = "; once for all servers, or once for each member";

export function addMemberFlags(command: Command): Command {
  return command
    .option("--gpu-layers <count>", `layers on the GPU, or max (default: max)${EACH}`, repeated("--gpu-layers", layers))
    .option(
      "--device <names>",
      `devices by name, such as CUDA1 or Vulkan0,Vulkan1, or cpu (default: all GPUs; "llamafuse inspect" lists them)${EACH}`,
      repeated("--device", (text) => (text.includes(",") ? text.split(",") : text)),
    )
    .option(
      "--main-gpu <index>",
      `the one GPU for the whole model, counted from 0${EACH}`,
      repeated("--main-gpu", numeric),
    )
    .option(
      "--tensor-split <shares>",
      `how many parts of the layers each GPU takes, such as 3,1${EACH}`,
      repeated("--tensor-split", (text, flag) => text.split(",").map((share) => numeric(share, flag))),
    )
    .option(
      "--flash-attention <when>",
      `on, off or auto (default: auto)${EACH}`,
      repeated("--flash-attention", (text, flag) => (text === "auto" ? text : onOrOff(text, flag))),
    )
    .option(
      "--cache-type <k,v>",
      `format of the key-value cache: f16, q8_0 or others for both, or K,V (default: f16)${EACH}`,
      repeated("--cache-type", (text) => {
        const [k, v = k] = text.split(",") as CacheType[];
        return { k: k!, v: v! };
      }),
    )
    .option(
      "--lora <files>",
      `LoRA adapters: FILE or FILE:SCALE, several with commas, none for a member without${EACH}`,
      repeated("--lora", (text) => (text === "none" ? [] : text.split(",").map(adapterOf))),
    )
    .option(
      "--rope-scaling <type:factor>",
      `for texts longer than trained for: linear:2, or yarn:4:8192 with the trained length${EACH}`,
      repeated("--rope-scaling", ropeScalingOf),
    )
    .option("--mmap <when>", `map the model's file into memory: on or off${EACH}`, repeated("--mmap", onOrOff))
    .option("--mlock <when>", `keep the weights from being swapped out: on or off${EACH}`, repeated("--mlock", onOrOff))
    .option(
      "--server-kind <kind>",
      `of a member on a server: ${SERVER_KINDS.join(", ")} (default: found by asking)${EACH_SERVER}`,
      repeated("--server-kind", (text) => text as ServerKind),
    )
    .option(
      "--tokenizer <file>",
      `the served model's tokenizer.json, which vLLM and OpenAI's interface need${EACH_SERVER}`,
      repeated("--tokenizer", (text) => text),
    )
    .option(
      "--server-key-file <file>",
      `file with the server's key${EACH_SERVER}`,
      repeated("--server-key-file", (text) => text),
    )
    .option(
      "--top-depth <count>",
      `tokens that a server reports at a step, or all (default: 100, or what it allows)${EACH_SERVER}`,
      repeated("--top-depth", (text, flag) => (text === "all" ? text : numeric(text, flag))),
    )
    .option(
      "--served-model <name>",
      `what the server calls the model (default: its first)${EACH_SERVER}`,
      repeated("--served-model", (text) => text),
    );
}

/** Flag → option of a member. */
const OPTIONS = {
  gpuLayers: "gpuLayers",
  device: "device",
  mainGpu: "mainGpu",
  tensorSplit: "tensorSplit",
  flashAttention: "flashAttention",
  cacheType: "cacheType",
  lora: "loraAdapters",
  ropeScaling: "ropeScaling",
  mmap: "mmap",
  mlock: "mlock",
  serverKind: "kind",
  tokenizer: "tokenizer",
  serverKeyFile: "apiKeyFile",
  topDepth: "topDepth",
  servedModel: "servedModel",
} as const satisfies Record<keyof MemberFlags, keyof (LlamaParameters & RemoteParameters)>;

const OF_SERVERS: ReadonlySet<keyof MemberFlags> = new Set([
  ...(["serverKind", "tokenizer", "serverKeyFile", "topDepth", "servedModel"] as const),
]);

export const MEMBER_FLAGS = Object.keys(OPTIONS) as (keyof MemberFlags)[];

/** Members with what the flags say of them. Errors: invalid-option for a flag given neither once nor once for each. */
export function withMemberFlags(members: readonly MemberOptions[], flags: MemberFlags): MemberOptions[] {
  for (const flag of MEMBER_FLAGS) {
    const given = flags[flag]?.length ?? 0;
    if (given <= 1 || given === members.length) continue;
    const name = `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw new LlamafuseError(
      "invalid-option",
      `${name} was given ${given} times for ${members.length} members. Give it once for all, or once for each member, in their order.`,
      { option: name, found: given, allowed: [1, members.length] },
    );
  }
  const anyServer = members.some(isOnServer);
  return members.map((member, index) => {
    const said = MEMBER_FLAGS.flatMap((flag) => {
      const values: readonly unknown[] = flags[flag] ?? [];
      // What is said for all means those that it can be said of; without a server among them, the mistake is told.
      if (values.length === 1 && members.length > 1 && anyServer && OF_SERVERS.has(flag) !== isOnServer(member))
        return [];
      return values.length === 0 ? [] : [[OPTIONS[flag], values.length === 1 ? values[0] : values[index]]];
    });
    return { ...member, ...(Object.fromEntries(said) as LlamaParameters) };
  });
}

/** Whether a server has the member's model. */
export function isOnServer({ url, model }: MemberOptions): boolean {
  return url !== undefined || isServerAddress(model);
}

/** A parser for commander that keeps every value of a repeated option. */
function repeated<Value>(flag: string, parse: (text: string, flag: string) => Value) {
  return (text: string, previous: Value[] = []): Value[] => [...previous, parse(text, flag)];
}

function layers(text: string, flag: string): number | "max" {
  return text === "max" ? text : numeric(text, flag);
}

function numeric(text: string, flag: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isFinite(value)) return value;
  throw refused(flag, text, "a number");
}

function onOrOff(text: string, flag: string): boolean {
  if (["on", "true", "1"].includes(text)) return true;
  if (["off", "false", "0"].includes(text)) return false;
  throw refused(flag, text, flag === "--flash-attention" ? "on, off or auto" : "on or off");
}

/** A drive's letter has a colon too: only a number behind the last one is a scale. */
function adapterOf(text: string): LoraAdapter {
  const [, file, scale] = /^(.+):(-?\d*\.?\d+)$/s.exec(text) ?? [];
  return file === undefined ? { file: text, scale: 1 } : { file, scale: Number(scale) };
}

function ropeScalingOf(text: string, flag: string): RopeScaling {
  const [type, factor, originalContext] = text.split(":");
  return {
    type: type as RopeScaling["type"],
    ...(factor !== undefined && { factor: numeric(factor, flag) }),
    ...(originalContext !== undefined && { originalContext: numeric(originalContext, flag) }),
  };
}

function refused(flag: string, text: string, allowed: string): LlamafuseError {
  return new LlamafuseError("invalid-option", `${flag} needs ${allowed}; found ${JSON.stringify(text)}.`, {
    option: flag,
    found: text,
    allowed,
  });
}
