/** The public names of Llamafuse. */

export type { FinishReason, GenerateOptions, GenerateResult, StreamChunk } from "./decoding/loop.js";
export type { ChatMessage, PromptInput } from "./decoding/prompt.js";
export type { SamplerOptions } from "./decoding/sampler-options.js";
export type { ScoreOptions, TextScore } from "./decoding/score.js";
export type { ChosenPiece, TraceStep } from "./decoding/trace.js";
export type { MethodInfo } from "./during/method.js";
export { type MethodName, type MethodOptions, methodInfos } from "./during/methods.js";
export { createEnsemble, Ensemble, type EnsembleOptions, type LoadProgress } from "./ensemble.js";
export { ERROR_CODES, type ErrorCode, LlamafuseError } from "./errors.js";
export { checkModel, type ModelFile } from "./llama/check-model.js";
export type { Gpu } from "./llama/find-library.js";
export type {
  Feedback,
  Lookup,
  Member,
  MemberFacts,
  MemberOutput,
  MemberPrompt,
  Preparation,
} from "./member/member.js";
export type { MemberOptions } from "./member/member-options.js";
export type { Plan, Schedule, ScheduleChoice } from "./member/plan.js";
export { ScriptedMember, type ScriptedMemberOptions } from "./member/scripted-member.js";
export { type NativeModel, type NativeName, nativeModel, nativeModels } from "./native-models.js";
export { makeVocabulary, TokenClass, Vocabulary } from "./vocabulary/vocabulary.js";
