/**
 * Whatever can answer, by its name. A fusion method works on every step of the members, a router chooses among them before
 * any has answered, a cascade asks them one after another, a selection chooses among their answers, a regeneration makes a new
 * one of them; what comes next is one entry in the table.
 */
import type { CascadedEnsemble } from "./after/cascade/live/cascaded-ensemble.js";
import type { CascadedMethod } from "./after/cascade/live/cascaded-method.js";
import type { RegeneratedEnsemble } from "./after/regenerate/regenerated-ensemble.js";
import type { RegenerationOptions } from "./after/regenerate/registry.js";
import type { SelectionOptions } from "./after/select/registry.js";
import type { SelectedEnsemble } from "./after/select/selected-ensemble.js";
import type { RoutedEnsemble } from "./before/live/routed-ensemble.js";
import type { RoutedMethod } from "./before/live/routed-method.js";
import type { GenerateOptions } from "./decoding/request.js";
import type { MethodChoice } from "./during/define-method.js";
import { isChoice, type MethodOptions, methodInfos, methodNamed } from "./during/methods.js";
import type { Answerer } from "./ensemble/answerer.js";
import { type Ensemble, type FuseOptions, fuse, loadEnsemble } from "./ensemble/ensemble.js";
import { LOAD_OPTIONS, type LoadOptions } from "./ensemble/load-options.js";
import { isMembers, type Members } from "./ensemble/members.js";
import type { MemberSource, NamedMethod, System } from "./ensemble/system.js";
import { LlamafuseError, nearestName, toLlamafuseError } from "./errors.js";
import { checkSignal, guarded, type OptionNames, readOptions, refuse, shown } from "./read-options.js";

const fusion: System<MethodOptions | (MethodChoice & NamedMethod)> = {
  kind: "method",
  names: () => methodInfos.map(({ name }) => name),
  check: (method) => void methodNamed(method),
  open: (method, source) =>
    "loaded" in source
      ? fuse(source.loaded, method, source)
      : loadEnsemble({ ...source.load, request: source.request, onMemberFailure: source.onMemberFailure, method }),
};

const routing: System<RoutedMethod> = {
  kind: "router",
  names: async () => (await import("./before/registry.js")).routerInfos.map(({ name }) => name),
  check: async (method) => (await import("./before/live/routing.js")).checkRoutedMethod(method),
  open: async (method, source) => {
    if (source.onMemberFailure === "continue") {
      refuse("onMemberFailure", "continue", '"fail" with a router, which has one member answer at a time');
    }
    return (await import("./before/live/routing.js")).openRouter(method, source);
  },
};

const cascading: System<CascadedMethod> = {
  kind: "cascade",
  names: async () => (await import("./after/cascade/registry.js")).cascadeInfos.map(({ name }) => name),
  check: async (method) => (await import("./after/cascade/live/cascaded-method.js")).checkCascadedMethod(method),
  open: async (method, source) => {
    if (source.onMemberFailure === "continue") {
      refuse("onMemberFailure", "continue", '"fail" with a cascade, which has one member answer at a time');
    }
    return (await import("./after/cascade/live/cascading.js")).openCascading(method, source);
  },
};

const selecting: System<SelectionOptions> = {
  kind: "selection",
  names: async () => (await import("./after/select/registry.js")).selectionInfos.map(({ name }) => name),
  check: async (method) => void (await import("./after/select/registry.js")).selectionNamed(method),
  open: async (method, source) => (await import("./after/select/selected-method.js")).openSelection(method, source),
};

const regenerating: System<RegenerationOptions> = {
  kind: "regeneration",
  names: async () => (await import("./after/regenerate/registry.js")).regenerationInfos.map(({ name }) => name),
  check: async (method) => void (await import("./after/regenerate/registry.js")).regenerationNamed(method),
  open: async (method, source) =>
    (await import("./after/regenerate/regenerated-method.js")).openRegeneration(method, source),
};

/** In the order in which a name is looked up. */
const SYSTEMS = [fusion, routing, cascading, selecting, regenerating] as const satisfies readonly System<never>[];

/** Methods that need no option may be given as their name. */
export type BareMethodName = {
  [Name in MethodOptions["name"]]: { name: Name } extends MethodOptions ? Name : never;
}[MethodOptions["name"]];

/** A fusion method by its name and options, or one of your own with its options (`defineMethod`). */
export type FusionChoice = MethodOptions | BareMethodName | MethodChoice;

/** Whatever a system is chosen by. */
export type SystemOptions = MethodOptions | RoutedMethod | CascadedMethod | SelectionOptions | RegenerationOptions;

export interface EnsembleOptions extends LoadOptions, Pick<FuseOptions, "onMemberFailure"> {
  /** How the members are fused: `"gac"`, `{ name: "unite", k: 10 }`. Default `"unite"`. */
  method?: FusionChoice;
  /** Defaults of every request: `{ temperature: 0.7, maxTokens: 200 }`. */
  request?: GenerateOptions;
}

export interface RoutedEnsembleOptions extends LoadOptions {
  /** The router that chooses who answers. */
  method: RoutedMethod;
  /** Defaults of every request. */
  request?: GenerateOptions;
}

export interface CascadedEnsembleOptions extends LoadOptions {
  /** The cascade that says who is asked next. */
  method: CascadedMethod;
  /** Defaults of every request. */
  request?: GenerateOptions;
}

export interface SelectedEnsembleOptions extends LoadOptions, Pick<FuseOptions, "onMemberFailure"> {
  /** What chooses one of the members' answers. */
  method: SelectionOptions;
  /** Defaults of every request. */
  request?: GenerateOptions;
}

export interface RegeneratedEnsembleOptions extends LoadOptions, Pick<FuseOptions, "onMemberFailure"> {
  /** What makes an answer of the members' answers. */
  method: RegenerationOptions;
  /** Defaults of every request. */
  request?: GenerateOptions;
}

/** Members that `loadMembers` loaded, in the place of those to be loaded. */
export interface LoadedOptions<Method> extends FuseOptions {
  members: Members;
  method?: Method;
}

/**
 * Load members and put a method over them. Errors: see `ERROR_CODES`; nothing stays loaded after one.
 *
 * ```ts
 * const ensemble = await createEnsemble({ members: ["a.gguf", { model: "b.gguf", weight: 2 }], method: "gac" });
 * ```
 *
 * Members that `loadMembers` gave are used as they are, by any number of ensembles at once, and stay loaded when an
 * ensemble over them is disposed of.
 */
export function createEnsemble(options: EnsembleOptions | LoadedOptions<FusionChoice>): Promise<Ensemble>;
/** With a router in the place of the method: members are loaded when the router first chooses them. */
export function createEnsemble(
  options: RoutedEnsembleOptions | (LoadedOptions<RoutedMethod> & { method: RoutedMethod }),
): Promise<RoutedEnsemble>;
/** With a cascade in the place of the method: members are loaded when they are first asked. */
export function createEnsemble(
  options: CascadedEnsembleOptions | (LoadedOptions<CascadedMethod> & { method: CascadedMethod }),
): Promise<CascadedEnsemble>;
/** With a selection in the place of the method: every member answers, and one of the answers is given. */
export function createEnsemble(
  options: SelectedEnsembleOptions | (LoadedOptions<SelectionOptions> & { method: SelectionOptions }),
): Promise<SelectedEnsemble>;
/** With a regeneration in the place of the method: every member answers, and the answer is made of theirs. */
export function createEnsemble(
  options: RegeneratedEnsembleOptions | (LoadedOptions<RegenerationOptions> & { method: RegenerationOptions }),
): Promise<RegeneratedEnsemble>;
export function createEnsemble(
  options:
    | EnsembleOptions
    | RoutedEnsembleOptions
    | CascadedEnsembleOptions
    | SelectedEnsembleOptions
    | RegeneratedEnsembleOptions
    | LoadedOptions<FusionChoice | RoutedMethod | CascadedMethod | SelectionOptions | RegenerationOptions>,
): Promise<Ensemble | RoutedEnsemble | CascadedEnsemble | SelectedEnsemble | RegeneratedEnsemble>;
export async function createEnsemble(given: unknown): Promise<Answerer> {
  const { method, source } = readCall(given);
  const system = await systemOf(method);
  try {
    await system.check(method);
    return await system.open(method, source);
  } catch (error) {
    throw toLlamafuseError(error, "Making the ensemble");
  }
}

/** Whether there is such a system, as far as that is known without members. Errors: invalid-option, and those of a router's file. */
export async function checkSystem(method: SystemOptions | MethodChoice): Promise<void> {
  const named = readMethod(method);
  await (await systemOf(named)).check(named);
}

const ENSEMBLE_OPTIONS: OptionNames<EnsembleOptions> = {
  ...LOAD_OPTIONS,
  method: true,
  request: true,
  onMemberFailure: true,
};
const OVER_MEMBERS: OptionNames<LoadedOptions<unknown>> = {
  members: true,
  method: true,
  request: true,
  onMemberFailure: true,
  onProgress: true,
  signal: true,
};
const EXAMPLE = '{ members: ["a.gguf", "b.gguf"], method: "unite" }';

function readCall(given: unknown): { method: NamedMethod; source: MemberSource } {
  const options = readOptions<EnsembleOptions & LoadedOptions<FusionChoice>>(
    "createEnsemble",
    given,
    ENSEMBLE_OPTIONS as OptionNames<EnsembleOptions & LoadedOptions<FusionChoice>>,
    EXAMPLE,
  );
  const { method: named, members, request, onMemberFailure, onProgress, signal, ...rest } = options;
  const method = guarded("The method", () => readMethod(named));
  if (!isMembers(members)) {
    const load: LoadOptions = { members: members as LoadOptions["members"], onProgress, signal, ...rest };
    return { method, source: { load: withoutAbsent(load), request, onMemberFailure, onProgress, signal } };
  }
  for (const key of Object.keys(rest)) {
    if (key in OVER_MEMBERS) continue;
    throw new LlamafuseError(
      "invalid-option",
      `The members are loaded already, so ${key} cannot be chosen here. Give it to loadMembers.`,
      { option: key, allowed: Object.keys(OVER_MEMBERS) },
    );
  }
  if (onProgress !== undefined && typeof onProgress !== "function") refuse("onProgress", onProgress, "a function");
  checkSignal(signal);
  return { method, source: { loaded: members, request, onMemberFailure, onProgress, signal } };
}

function withoutAbsent<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

/** A name, or a name with options, as a copy. */
function readMethod(given: unknown): NamedMethod {
  if (given === undefined) return { name: "unite" };
  if (typeof given === "string") return { name: given };
  if (isChoice(given)) return { ...given, name: given.method.info.name } as NamedMethod;
  const name = (given as Partial<NamedMethod> | null)?.name;
  if (typeof given === "object" && typeof name === "string") return { ...given, name };
  throw new LlamafuseError(
    "invalid-option",
    `The method is ${shown(given)}; give its name, as method: "unite", or its name with options, as { name: "unite", k: 10 }.`,
    { option: "method", found: shown(given), allowed: "a method's name" },
  );
}

async function systemOf(method: NamedMethod): Promise<System> {
  if (isChoice(method)) return fusion as unknown as System;
  const { name } = method;
  const known: string[][] = [];
  for (const system of SYSTEMS as readonly System<never>[]) {
    const names = await system.names();
    if (names.includes(name)) return system as unknown as System;
    known.push([...names]);
  }
  const kinds = SYSTEMS.map(({ kind }, index) => `${kind}s: ${known[index].join(", ")}`);
  const near = nearestName(name, known.flat());
  const hint = near === undefined ? "" : ` Did you mean "${near}"?`;
  throw new LlamafuseError("invalid-option", `Unknown method "${name}".${hint} Known ${kinds.join("; ")}.`, {
    found: name,
    allowed: known.flat(),
    nearest: near,
  });
}
