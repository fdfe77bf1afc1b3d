/**
 * Every method by its name. A new one is a file that defines it (define-method.ts) and a line in this list.
 *
 * With one member every method is `single`. Fusing one distribution with nothing is the identity in all of them, but the
 * detour through a shared space would sum bytes-equal tokens, cut to the top k or re-tokenise; the answer of a model
 * alone must equal that model's, to the last bit.
 */
import { LlamafuseError, unknownName } from "../errors.js";
import type { BuildOptions } from "./alignments/build/pool.js";
import type { Method, MethodChoice, MethodLevel } from "./define-method.js";
import { guard, guardsFrom } from "./guard/guard.js";
import type { MethodContext, MethodInfo, MethodRun, Voice } from "./method.js";
import { type Demands, fits, misfitError, misfitOf } from "./needs.js";
import { checkRoles, requireEqualWeights } from "./roles.js";
import { adafuse } from "./span/adafuse.js";
import { coolFusion } from "./span/cool-fusion.js";
import { spans } from "./span/spans.js";
import { specfuse } from "./span/specfuse.js";
import { sweetspan } from "./span/sweetspan.js";
import { abe } from "./token/abe/abe.js";
import { bytes } from "./token/bytes.js";
import { contrast } from "./token/contrast.js";
import { core } from "./token/core/core.js";
import { deepen } from "./token/deepen.js";
import { eva } from "./token/eva.js";
import { fusion } from "./token/fusion/fusion.js";
import { gac } from "./token/gac.js";
import { me } from "./token/me.js";
import { packllm } from "./token/packllm.js";
import { product } from "./token/product.js";
import { proxy } from "./token/proxy.js";
import { purify } from "./token/purify.js";
import { safe } from "./token/safe/safe.js";
import { SingleRun, single } from "./token/single.js";
import { smc } from "./token/smc/smc.js";
import { cds } from "./token/switch/cds.js";
import { citer } from "./token/switch/citer.js";
import { unite } from "./token/unite/unite.js";

/** What there is to choose from, in the order of the documentation. */
export const methods = [
  single,
  gac,
  unite,
  bytes,
  smc,
  abe,
  me,
  safe,
  deepen,
  eva,
  purify,
  cds,
  citer,
  core,
  product,
  contrast,
  proxy,
  packllm,
  fusion,
  coolFusion,
  sweetspan,
  specfuse,
  adafuse,
  spans,
  guard,
] as const;

type Registered = (typeof methods)[number];
type GivenTo<Of> = Of extends (options?: infer Given) => MethodChoice ? NonNullable<Given> : never;
/** What a method can be given; nothing where it takes no options. */
type InputOf<Given> = string extends keyof Given ? unknown : Given;

export type MethodName = Registered["info"]["name"];

/** A method and its options, chosen by `name`: `{ name: "unite", k: 20 }`. */
export type MethodOptions = {
  [Each in Registered as Each["info"]["name"]]: { name: Each["info"]["name"] } & InputOf<GivenTo<Each>>;
}[MethodName];

/** What `createEnsemble` takes as a method: options by name, a name alone, or a method of your own with its options. */
export type MethodGiven = MethodOptions | MethodName | MethodChoice;

/** A method whose options have been checked. */
export interface ChosenMethod {
  info: MethodInfo;
  /** See MethodDefinition.saysBytes. */
  saysBytes: boolean;
  /** See MethodDefinition.level. */
  level: MethodLevel;
  /** See MethodDefinition.saysAhead. */
  saysAhead(voices: readonly Voice[]): boolean;
  /** Whether a member decodes several texts side by side. */
  branches(voices: readonly Voice[]): boolean;
  /** Errors: incompatible-members where the members do not offer what it needs, invalid-option for weights beside roles. */
  checkMembers(voices: readonly Voice[]): void;
  /** Start a run for one request. Errors: as `checkMembers`, and invalid-option for a member name that is none. */
  create(context: MethodContext): MethodRun;
  /** Build beforehand what a run would have to wait for. Errors: as `create`, aborted. */
  build(voices: readonly Voice[], run?: BuildOptions): Promise<void>;
}

export const methodInfos: readonly MethodInfo[] = methods.map((method) => method.info);

/**
 * The method that these options name. LlamafuseError "invalid-option" for an unknown name, an unknown option or a value
 * out of range; the message says what was found and what is allowed.
 *
 * ```ts
 * const method = methodNamed({ name: "gac", gate: "threshold", threshold: 0.7 });
 * ```
 */
export function methodNamed(given: MethodGiven): ChosenMethod {
  if (isChoice(given)) return chosen(given.method, given.options);
  const { name, ...options } = typeof given === "string" ? { name: given } : given;
  const method = registered(name);
  return chosen(method, method.check(options));
}

/** Whether a method was chosen by a call of its definition. */
export function isChoice(given: unknown): given is MethodChoice {
  return typeof given === "object" && given !== null && "method" in given && typeof given.method === "function";
}

guardsFrom(registered);

function registered(name: string): Method {
  const method = methods.find((each) => each.info.name === name);
  if (method !== undefined) return method as unknown as Method;
  throw unknownName(
    "method",
    String(name),
    methodInfos.map((info) => info.name),
  );
}

function chosen(method: Method, options: unknown): ChosenMethod {
  const roles = method.roles?.(options);
  const demands: Demands = {
    needs: (place) => method.needs(options, place),
    count: roles?.names.length ?? method.members,
  };
  const checkMembers = (voices: readonly Voice[]) => {
    if (roles !== undefined) checkRoles(roles, voices);
    const ignorer = method.ignoresWeights?.(options);
    if (ignorer !== undefined) requireEqualWeights(ignorer, voices);
    if (method.members !== undefined && method.members !== voices.length) throw wrongCount(method, voices.length);
    const alone = voices.length === 1;
    const misfit = misfitOf(alone ? demandsOf(single as unknown as Method)! : demands, voices);
    if (misfit !== undefined) throw misfitError(method.info.name, misfit, voices, methodsFor(voices));
  };
  return {
    info: method.info,
    saysBytes: method.saysBytes ?? false,
    level: method.level?.(options) ?? "token",
    saysAhead: (voices) => voices.length > 1 && method.saysAhead === true,
    branches: (voices) =>
      voices.length > 1 && voices.some((_, index) => (method.needs(options, { voices, index }).branches ?? 1) > 1),
    checkMembers,
    create: (context) => {
      checkMembers(context.voices);
      // Nothing is drawn where a given text is scored.
      const isScoredInBytes = method.saysBytes === true && context.draw === undefined;
      const isSingle = context.voices.length === 1 && !isScoredInBytes;
      return isSingle ? new SingleRun(context) : method.create(context, options);
    },
    build: async (voices, run = {}) => {
      checkMembers(voices);
      if (voices.length === 1) return;
      // What a run would refuse is refused now: a member name that is none, strings that the vocabularies lack.
      method.create({ voices, greedy: true, traceTop: 0, advance: async () => {} }, options);
      await method.build?.(voices, options, run);
    },
  };
}

/** The methods that work with these members, as they are without options. */
function methodsFor(voices: readonly Voice[]): string[] {
  return (methods as unknown as readonly Method[])
    .filter((method) => {
      const demands = demandsOf(method);
      return demands !== undefined && fits(demands, voices);
    })
    .map(({ info }) => info.name);
}

/** What a method asks of members without options; undefined where it cannot do without. */
function demandsOf(method: Method): Demands | undefined {
  try {
    const options = method.check({});
    const count = method.roles?.(options)?.names.length ?? method.members;
    return { needs: (place) => method.needs(options, place), count };
  } catch (error) {
    if (error instanceof LlamafuseError) return undefined;
    throw error;
  }
}

function wrongCount({ info: { name }, members }: Method, found: number): LlamafuseError {
  return new LlamafuseError(
    "incompatible-members",
    `The method "${name}" takes ${members === 1 ? "one member" : `${members} members`} and was given ${found}. Choose a method that fuses, such as unite.`,
    { found, allowed: members },
  );
}
