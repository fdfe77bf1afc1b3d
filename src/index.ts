/** The public names of Llamafuse. */

export type {
  Cascade,
  CascadeAnswer,
  CascadeFitData,
  CascadeInfo,
  CascadeQuery,
  CascadeState,
  CascadeStep,
  SavedCascade,
} from "./after/cascade/cascade.js";
export {
  type CascadeChoice,
  type CascadesEvaluation,
  type EvaluateCascadesOptions,
  evaluateCascades,
} from "./after/cascade/evaluation/evaluate-cascades.js";
export type {
  CascadeCall,
  CascadedChunk,
  CascadedEnsemble,
  CascadedResult,
  CascadeReport,
} from "./after/cascade/live/cascaded-ensemble.js";
export type { CascadedMethod, VerifyAnswer } from "./after/cascade/live/cascaded-method.js";
export { type CascadeName, type CascadeOptions, cascadeInfos, createCascade } from "./after/cascade/registry.js";
export { type CascadeFile, cascadeFile, loadCascade, restoreCascade } from "./after/cascade/saved-cascade.js";
export type {
  RegeneratedChunk,
  RegeneratedEnsemble,
  RegeneratedResult,
  RegenerationReport,
} from "./after/regenerate/regenerated-ensemble.js";
export {
  type RegenerationInfo,
  type RegenerationName,
  type RegenerationOptions,
  regenerationInfos,
} from "./after/regenerate/registry.js";
export type { CandidateReport } from "./after/select/candidate.js";
export type { SelectionInfo } from "./after/select/define-selection.js";
export type { RewardFunction } from "./after/select/methods/best-of-n.js";
export { type SelectionName, type SelectionOptions, selectionInfos } from "./after/select/registry.js";
export type {
  SelectedChunk,
  SelectedEnsemble,
  SelectedResult,
  SelectionReport,
} from "./after/select/selected-ensemble.js";
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
export type { RoutedEnsemble, RoutedResult, RoutedScore, RouteReport } from "./before/live/routed-ensemble.js";
export type { RoutedMethod } from "./before/live/routed-method.js";
export { createRouter, type RouterName, type RouterOptions, routerInfos } from "./before/registry.js";
export type {
  Choice,
  Decision,
  Estimate,
  FitData,
  FitOptions,
  Knob,
  Query,
  Router,
  RouterFeedback,
  RouterInfo,
  SavedRouter,
} from "./before/router.js";
export type { AssignmentPlan, ForcRouter } from "./before/routers/forc.js";
export type { LlmBanditRouter } from "./before/routers/llm-bandit.js";
export { loadRouter, type RouterFile, restoreRouter, routerFile } from "./before/saved-router.js";
export { OutcomeTable, type OutcomeTableParts } from "./before/table/outcome-table.js";
export { readOutcomeTable } from "./before/table/read.js";
export type { ChatMessage, PromptInput, PromptOptions } from "./decoding/prompt.js";
export type { GenerateOptions, ScoreOptions } from "./decoding/request.js";
export {
  type AnswerCost,
  type FinishReason,
  type GenerateResult,
  mainReasoning,
  type ReasoningPiece,
  type StreamChunk,
} from "./decoding/result.js";
export type { SamplerOptions } from "./decoding/sampler-options.js";
export type { Schedule } from "./decoding/schedule.js";
export type { TextScore } from "./decoding/score.js";
export type { Speculation, SpeculationReport } from "./decoding/speculation.js";
export type { Thinking } from "./decoding/thinking/options.js";
export type { Tool, ToolCall, ToolChoice, ToolOptions } from "./decoding/tools/tools.js";
export type { ChosenPiece, TraceStep } from "./decoding/trace.js";
export {
  defineMethod,
  type Method,
  type MethodChoice,
  type MethodDefinition,
  type MethodLaw,
  type MethodLaws,
  type OptionSet,
} from "./during/define-method.js";
export type { FusedDistribution, MethodContext, MethodInfo, MethodReport, MethodRun, Voice } from "./during/method.js";
export { type MethodGiven, type MethodName, type MethodOptions, methodInfos } from "./during/methods.js";
export type { MemberNeeds, MethodNeeds, Place as MemberPlace } from "./during/needs.js";
export type { Roles } from "./during/roles.js";
export type { SavedSwitchingModel } from "./during/token/switch/saved-model.js";
export type { SwitchingModel } from "./during/token/switch/switching-model.js";
export type { Answerer } from "./ensemble/answerer.js";
export type { Ensemble } from "./ensemble/ensemble.js";
export type { LoadOptions, LoadProgress, MemberInput } from "./ensemble/load-options.js";
export { loadMembers, type Members } from "./ensemble/members.js";
export type { Plan, ScheduleChoice } from "./ensemble/plan.js";
export { type ScoreTextsOptions, scoreTexts, type TextScores } from "./ensemble/score-texts.js";
export { readEnsembleFile } from "./ensemble-file/read.js";
export { ERROR_CODES, type ErrorCode, LlamafuseError } from "./errors.js";
export { type Matrix, makeMatrix, matrixOf } from "./learning/matrix.js";
export { checkModel, type ModelFile } from "./llama/check-model.js";
export { type Device, listDevices } from "./llama/devices.js";
export type { Gpu } from "./llama/find-library.js";
export type { CacheType, LlamaParameters, LoraAdapter, RopeScaling } from "./llama/parameters.js";
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
export type { MemberOptions, RemoteParameters, ServerMemberOptions } from "./member/member-options.js";
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
export {
  type CascadedEnsembleOptions,
  createEnsemble,
  type EnsembleOptions,
  type FusionChoice,
  type LoadedOptions,
  type RegeneratedEnsembleOptions,
  type RoutedEnsembleOptions,
  type SelectedEnsembleOptions,
} from "./systems.js";
export type { TrainingExample } from "./training/example.js";
export type { SwitchTraining } from "./training/options.js";
export { type CdsTraining, trainCds } from "./training/train-cds.js";
export { type CiterTraining, trainCiter } from "./training/train-citer.js";
export { makeVocabulary, TokenClass, Vocabulary } from "./vocabulary/vocabulary.js";
