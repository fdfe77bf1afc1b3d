/** Which model a member runs, told without reading all of it: for files that were trained on one model and fit no other. */
import { createHash, type Hash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { z } from "zod";
import type { Member, MemberFacts } from "./member.js";

export const modelIdentity = z.strictObject({
  name: z.string(),
  /** As llama.cpp describes it, and its size. */
  description: z.string(),
  /** 32 hexadecimal digits, the same for the same weights. */
  digest: z.string(),
});

export type ModelIdentity = z.infer<typeof modelIdentity>;

/** Two models that agree in every one of so many evenly spaced blocks of their files are the same model. */
const BLOCKS = 256;
const BLOCK_BYTES = 4096;

const known = new WeakMap<Member, ModelIdentity>();

/**
 * SHA-256, cut to 128 bits, of a model's facts and of 256 blocks of 4 KiB spread evenly over its file, the first and the
 * last included. A member without a file is told by its facts and its vocabulary.
 */
export function identityOf(member: Member): ModelIdentity {
  let identity = known.get(member);
  if (identity === undefined) {
    const { description, parameters, bytes, embeddingLength, layers } = member.facts;
    const hash = createHash("sha256");
    hash.update(JSON.stringify([description, parameters, bytes, embeddingLength, layers]));
    if (!addFile(hash, member.facts.source)) hash.update(member.vocabulary.data.bytes);
    identity = { name: member.name, description: described(member.facts), digest: hash.digest("hex").slice(0, 32) };
    known.set(member, identity);
  }
  return identity;
}

/** llama.cpp says "?B" of sizes that it has no name for. */
function described({ description, parameters, embeddingLength }: MemberFacts): string {
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
