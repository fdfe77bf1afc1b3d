/** Which model a member runs, without reading all of its file: for files that were trained on one model and fit no other. */
import { createHash, type Hash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { z } from "zod";
import type { Vocabulary } from "../vocabulary/vocabulary.js";
import type { Member } from "./member.js";

export const modelIdentity = z.strictObject({
  name: z.string(),
  /** As llama.cpp describes it, and its size. */
  description: z.string(),
  /** 32 hexadecimal digits, the same for the same weights. */
  digest: z.string(),
});

export type ModelIdentity = z.infer<typeof modelIdentity>;

/** What stands behind a member: which model it is, and what it costs to run. */
export interface MemberIdentity extends ModelIdentity {
  /** The model's file; undefined where there is none on this machine. */
  file?: string;
  /** As llama.cpp names it: "llama", "qwen3". */
  architecture: string;
  costs: MemberCosts;
}

/** One token costs about 2 · parameters floating-point operations, and reads all weights once. */
export interface MemberCosts {
  parameters: number;
  /** Bytes of the weights. */
  weightBytes: number;
  layers: number;
}

/** Two models that agree in every one of so many evenly spaced blocks of their files are the same model. */
const BLOCKS = 256;
const BLOCK_BYTES = 4096;

/** As it is kept in files. */
export function savedIdentity(member: Pick<Member, "identity">): ModelIdentity {
  const { name, description, digest } = member.identity();
  return { name, description, digest };
}

/** What a kind of member knows of its model. */
export interface ModelDescription {
  /** As llama.cpp describes it, e.g. "llama 1B Q8_0". */
  description: string;
  architecture: string;
  costs: MemberCosts;
  embeddingLength: number;
}

/**
 * The identity of a member that is this model. Its digest is SHA-256, cut to 128 bits, of the description and of 256 blocks
 * of 4 KiB spread evenly over its file, the first and the last included. A member without a file is identified by its
 * description and its vocabulary.
 */
export function identityOfModel(
  name: string,
  model: ModelDescription,
  { file, vocabulary }: { file?: string; vocabulary: Vocabulary },
): MemberIdentity {
  const { architecture, costs } = model;
  let digest: string | undefined;
  return {
    name,
    description: described(model),
    // Read when it is asked for: most callers that ask for an identity need the costs.
    get digest() {
      return (digest ??= digestOf(model, file, vocabulary));
    },
    file,
    architecture,
    costs,
  };
}

function digestOf(model: ModelDescription, file: string | undefined, vocabulary: Vocabulary): string {
  const { description, embeddingLength, costs } = model;
  const { parameters, weightBytes, layers } = costs;
  const hash = createHash("sha256");
  hash.update(JSON.stringify([description, parameters, weightBytes, embeddingLength, layers]));
  if (file === undefined || !addFile(hash, file)) hash.update(vocabulary.data.bytes);
  return hash.digest("hex").slice(0, 32);
}

/** llama.cpp says "?B" of sizes that it has no name for. */
function described({ description, costs: { parameters }, embeddingLength }: ModelDescription): string {
  const size = `${parameters.toLocaleString("en")} parameters, hidden states of ${embeddingLength} numbers`;
  return `${description.replace(" ?B", "")}, ${size}`;
}

/** Whether there is such a file. */
function addFile(hash: Hash, file: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch {
    return false;
  }
  try {
    const { size } = fstatSync(descriptor);
    const block = new Uint8Array(BLOCK_BYTES);
    hash.update(String(size));
    for (let index = 0; index < BLOCKS; index++) {
      const at = Math.round((Math.max(0, size - BLOCK_BYTES) * index) / (BLOCKS - 1));
      hash.update(block.subarray(0, readSync(descriptor, block, 0, BLOCK_BYTES, at)));
    }
    return true;
  } finally {
    closeSync(descriptor);
  }
}
