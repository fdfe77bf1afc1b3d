/** What the coordinator and whoever runs a member's engine say to each other, beside the hot path (see channel.ts). */
import type { LlamafuseError } from "../../errors.js";
import type { WasmMemory } from "../../kernels/webassembly.js";
import type { LibraryFiles } from "../../llama/find-library.js";
import type { VocabularyData } from "../../vocabulary/vocabulary.js";
import type { Told } from "../feedback-bytes.js";
import type {
  Assessment,
  BeginResult,
  Draft,
  DraftOptions,
  MemberFacts,
  MemberPrompt,
  Place,
  Preparation,
  PromptScore,
  Prospect,
  TokenizeOptions,
  Verification,
} from "../member.js";
import type { ModelDescription } from "../model-identity.js";
import type { GoingBack } from "../offers.js";
import type { EngineOptions } from "./engine.js";
import type { OutputRegions } from "./output-room.js";

/** What a thread is told to run a member. */
export interface ServiceStart extends Omit<EngineOptions, "onProgress" | "mayContinue"> {
  library: LibraryFiles;
  memory: WasmMemory;
  channel: SharedArrayBuffer;
  /** One for each text that the member is to hold side by side. None: it holds one, whose commands come by `channel`. */
  slots: readonly SharedArrayBuffer[];
}

/** Said once, when the model is loaded. */
export interface Ready {
  facts: MemberFacts;
  description: ModelDescription;
  goingBack: GoingBack;
  vocabulary: VocabularyData;
  contextSize: number;
  /** Where the logits lie in the shared memory. */
  logits: number;
  /** The same for each of the texts that it holds side by side, the first one's again; one for a model that holds one. */
  slots: readonly number[];
}

/** Set-up requests, and what each is answered with. */
export interface Requests {
  prepare: { ask: Preparation; reply: OutputRegions };
  begin: { ask: MemberPrompt; reply: BeginResult };
  /** Of a slot: hold a prompt that rounds are to read, and say how many tokens it has; what cannot share a round is read at once. */
  open: { ask: MemberPrompt; reply: BeginResult | number };
  /** Null: the text at hand. */
  scorePrompt: { ask: MemberPrompt | null; reply: PromptScore };
  draft: { ask: { count: number; options: DraftOptions }; reply: Draft };
  verify: { ask: { bytes: Uint8Array; places: readonly Place[] }; reply: Verification };
  assess: { ask: readonly Prospect[]; reply: Assessment };
  /** Feedback too long for the payload. */
  append: { ask: Told; reply: null };
  cachedTokens: { ask: null; reply: Int32Array };
  tokenize: { ask: TokenizeOptions & { text: Uint8Array }; reply: Int32Array };
  setThreads: { ask: number; reply: null };
}
export type RequestName = keyof Requests;
export interface Request {
  name: RequestName;
  /** Whose text it is about. Default 0. */
  slot?: number;
  ask: Requests[RequestName]["ask"];
}

export type ErrorData = ReturnType<LlamafuseError["toJSON"]>;
export type Reply = { reply: unknown } | { error: ErrorData };

/** What a thread is sent. */
export type ToThread = { start: ServiceStart } | Request;
/** What it says: replies, and last that the member is gone and the thread is free. */
export type FromThread = Reply | { isFree: true };
