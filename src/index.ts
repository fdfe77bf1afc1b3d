/** The public names of Llamafuse. */

export {
  type Assignment,
  assignBest,
  assignByThreshold,
  assignGreedily,
  assignOptimally,
  type Estimates,
  type IlpGoal,
} from "./before/allocation/assignment.js";
export { selectPool } from "./before/allocation/select-pool.js";
export { CachedEmbedder } from "./before/embedders/cached.js";
export { type RouteToModel, routesTo } from "./before/embedders/described-routes.js";
export type { Embedder, EmbedderIdentity, EmbedOptions, SavedEmbedder } from "./before/embedders/embedder.js";
export { GgufEmbedder, type GgufEmbedderOptions } from "./before/embedders/gguf.js";
export { type GradedExample, LabelEmbedder, labelExamples } from "./before/embedders/label-probabilities.js";
export { TfIdfEmbedder, type TfIdfEmbedderOptions } from "./before/embedders/tf-idf.js";
export { averageImprovement, mixForBudget, thresholdForShare, upperHull } from "./before/evaluation/curve.js";
export {
  type EvaluateRoutersOptions,
  evaluateRouters,
  type RoutersEvaluation,
} from "./before/evaluation/evaluate-routers.js";
export { foldsOf, type SplitOptions, splitOf } from "./before/evaluation/splits.js";
export { embedQuery, type TrainingData, trainingData } from "./before/fitting/training-data.js";
export type {
  RoutedEnsemble,
  RoutedEnsembleOptions,
  RoutedMethod,
  RoutedResult,
  RouteReport,
} from "./before/live/routed-ensemble.js";
export { createRouter, type RouterName, type RouterOptions, routerInfos } from "./before/registry.js";
export type {
  Choice,
  Decision,
  Estimate,
  Feedback as RouterFeedback,
  FitData,
  FitOptions,
  Knob,
  Query,
  Router,
  RouterInfo,
  SavedRouter,
} from "./before/router.js";
export type { AssignmentPlan, ForcRouter } from "./before/routers/forc.js";
export type { LlmBanditRouter } from "./before/routers/llm-bandit.js";
export { loadRouter, type RouterFile, restoreRouter, routerFile } from "./before/saved-router.js";
export { OutcomeTable, type OutcomeTableParts } from "./before/table/outcome-table.js";
export { readOutcomeTable } from "./before/table/read.js";
export type { FinishReason, GenerateOptions, GenerateResult, StreamChunk } from "./decoding/loop.js";
export type { ChatMessage, PromptInput } from "./decoding/prompt.js";
export type { SamplerOptions } from "./decoding/sampler-options.js";
export type { ScoreOptions, TextScore } from "./decoding/score.js";
export type { ChosenPiece, TraceStep } from "./decoding/trace.js";
export type { MethodInfo } from "./during/method.js";
export { type MethodName, type MethodOptions, methodInfos } from "./during/methods.js";
export type { Judge } from "./during/token/switch/model.js";
export type { SavedJudge } from "./during/token/switch/saved-model.js";
export { createEnsemble, Ensemble, type EnsembleOptions, type LoadProgress } from "./ensemble/ensemble.js";
export type { Plan, Schedule, ScheduleChoice } from "./ensemble/plan.js";
export { ERROR_CODES, type ErrorCode, LlamafuseError } from "./errors.js";
export { checkModel, type ModelFile } from "./llama/check-model.js";
export type { Gpu } from "./llama/find-library.js";
export type { EmbeddingLayer, EmbeddingSource } from "./member/embeddings.js";
export type {
  Branch,
  BranchOutput,
  Draft,
  Feedback,
  Lookup,
  Member,
  MemberFacts,
  MemberOutput,
  MemberPrompt,
  Place,
  Preparation,
  PromptScore,
  Saying,
  Verdict,
  Verification,
} from "./member/member.js";
export type { MemberOptions } from "./member/member-options.js";
export type { MemberCosts, MemberIdentity, ModelIdentity } from "./member/model-identity.js";
export type { GoingBack, MemberOffers } from "./member/offers.js";
export type { ScriptedMemberOptions } from "./member/scripted/options.js";
export { ScriptedMember } from "./member/scripted/scripted-member.js";
export {
  type ListedModel,
  type ListModelsOptions,
  listModels,
  type ModelListing,
  type UnusableModel,
} from "./model-stores/list-models.js";
export { type NativeModel, type NativeName, nativeModel, nativeModels } from "./native-models.js";
export type { TrainingExample } from "./training/example.js";
export type { JudgeTraining } from "./training/options.js";
export { type CdsTraining, trainCds } from "./training/train-cds.js";
export { type CiterTraining, trainCiter } from "./training/train-citer.js";
export { makeVocabulary, TokenClass, Vocabulary } from "./vocabulary/vocabulary.js";
