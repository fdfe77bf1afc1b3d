/** The real models of these tests, and what llama.cpp's own programs make of them. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { missingReal, REAL_EMBEDDER, REAL_MEMBERS, realModel } from "../../bench/real-models.js";
import { LlamafuseError } from "../../src/errors.js";
import { SharedMemory } from "../../src/kernels/shared-memory.js";
import { LlamaMember } from "../../src/member/llama/llama-member.js";
import type { MemberOptions } from "../../src/member/member-options.js";

export type RealMember = (typeof REAL_MEMBERS)[number];

export type Reading = "fewAtOnce" | "default";

interface Golden {
  sha256: Record<RealMember, string>;
  /** SmolLM2's template, rendered by Python, and its ids. */
  chats: { messages: { role: "system" | "user" | "assistant"; content: string }[]; text: string; ids: number[] }[];
  texts: Record<RealMember, { text: string; ids: number[] }[]>;
  /** `chosen`: tokens, the end too; `ended`: by itself. */
  answers: Record<RealMember, { prompt: string; tokens: number; text: string; ended: boolean; chosen: number }[]>;
  /** After each chunk, of all chunks until then: with as many tokens a decode as a member reads, and with llama.cpp's usual. */
  perplexities: Record<RealMember, Record<Reading, number[]>>;
  wikitext: { bytes: number; context: number };
}

/** Made by golden/make.py. */
export const golden = jsonOf<Golden>("llama-cpp.json");

export function jsonOf<Content>(name: string): Content {
  return JSON.parse(readFileSync(fileURLToPath(new URL(`golden/${name}`, import.meta.url)), "utf8")) as Content;
}

export const members = REAL_MEMBERS;

const missing = missingReal([...REAL_MEMBERS, REAL_EMBEDDER]);
if (missing !== undefined)
  throw new LlamafuseError("file-unreadable", `${missing.files[0]} is missing. ${missing.cure}.`);

/** One of the members as an option; the same one may stand several times under names of its own. */
export function memberOptions(model: RealMember, name: string = model): MemberOptions {
  return { name, model: realModel(model)!, contextSize: 1024, threads: 1 };
}

export function loadMember(model: RealMember): Promise<LlamaMember> {
  return LlamaMember.load({ name: model, model: realModel(model)!, contextSize: 1024, threads: 2 }, new SharedMemory());
}
