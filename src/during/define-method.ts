/**
 * How a method is defined: one call in the method's own file, for those of this package and for your own.
 *
 * ```ts
 * const loudest = defineMethod({
 *   name: "loudest",
 *   summary: "At every step, the member that is surest speaks alone.",
 *   source: "-",
 *   requires: "One vocabulary.",
 *   options: { texts: { least: "…" }, check: ({ least = 0.5 }) => ({ least }) },
 *   needs: () => ({ logits: true, oneVocabulary: true }),
 *   create: (context, { least }) => new LoudestRun(context, least),
 *   laws: [{ covers: "all" }],
 * });
 * const ensemble = await createEnsemble({ members, method: loudest({ least: 0.9 }) });
 * ```
 *
 * `create` starts a run for one request (see method.ts for what a run does at each step). Whatever the method is, one
 * member alone is left as it is. `llamafuse/laws` checks the laws that every method keeps.
 */
import { LlamafuseError, unknownName } from "../errors.js";
import type { PartTexts } from "../part-schema.js";
import { checkArgument, readPlain } from "../read-options.js";
import type { BuildOptions } from "./alignments/build/pool.js";
import type { MethodContext, MethodInfo, MethodRun, Voice } from "./method.js";
import type { MethodNeeds, Place } from "./needs.js";
import type { Roles } from "./roles.js";

/** The options of a method: what each is, and the check that turns what was given into what `create` gets. */
export interface OptionSet<Options, Given = Partial<Options>> {
  /** Option → what it is, with its default. Other options are refused. */
  texts: Readonly<Record<string, string>>;
  /** Of options that name a part: part → its options → what each is. */
  parts?: Readonly<Record<string, PartTexts>>;
  /** The options with their defaults. Throws for a value that is none; errors that are no LlamafuseError become one. */
  check(given: Given, method: string): Options;
}

/** The survey's levels of ensembling during inference (arXiv 2502.18036, section 3.2). */
export type MethodLevel = "token" | "span" | "process";

export interface MethodDefinition<Name extends string, Options, Given> {
  /** As it is chosen by. */
  name: Name;
  /** One line. */
  summary: string;
  /** Paper, with arXiv id or venue; "-" where there is none. */
  source: string;
  /** What the members must have in common, in plain words. */
  requires: string;
  /** What a step decides: a token (or byte), a span of several, or a step of a search. Default "token". */
  level?(options: Options): MethodLevel;
  /** Left out: it takes none. */
  options?: OptionSet<Options, Given>;
  /** What it reads of a member, each of them asked alone. Default: nothing but the likeliest token. */
  needs?(options: Options, place: Place): MethodNeeds;
  /** How many members it takes, where there are no roles and yet a fixed number. */
  members?: number;
  /** The roles that members have instead of weights; none where it is absent or gives none. */
  roles?(options: Options): Roles | undefined;
  /**
   * Whether it says single bytes and holds a text of any length, whatever the members' tokens and contexts are. One member
   * alone is then scored by the method as well, since in bytes it is another measure. Default false.
   */
  saysBytes?: boolean;
  /** Who takes no notice of weights, for errors: `The rule "minimum"`; undefined where they count. */
  ignoresWeights?(options: Options): string | undefined;
  /** Whether a run says `context.ahead` itself and its distributions go on behind it; else the members are made to. */
  saysAhead?: boolean;
  /** Start a run for one request. There are two members or more. */
  create(context: MethodContext, options: Options): MethodRun;
  /** Build beforehand what takes long, and refuse what can be seen now. A run without it builds when it first needs it. */
  build?(voices: readonly Voice[], options: Options, run: BuildOptions): Promise<void>;
  /** Options to check the laws under, and what cannot hold then. At least one. */
  laws: readonly MethodLaws<Given>[];
}

/** One run through the laws of methods (src/laws/method-laws.ts). */
export interface MethodLaws<Given> {
  options?: Given;
  /** Whether a distribution covers all strings that members have, or some of them (then it is conditioned on those). */
  covers: "all" | "some";
  /** Laws that cannot hold, each with the reason. */
  exempt?: Readonly<Partial<Record<MethodLaw, string>>>;
  /** On models in llama.cpp, rounding counts so many times. Default 1. */
  rounding?: number;
}

/**
 * The laws that a method may be exempt from:
 *
 * - `order`: the members' order makes no difference;
 * - `agreement`: members that say the same are left as they are;
 * - `weights`: with all weight on one member it is that member;
 * - `end`: the end's probability is the mean of the members';
 * - `bytes`: strings are bytes, so that what is chosen is exactly what every member then holds;
 * - `greedy-sums`: a greedy step gives a string the probability of all its tokens, given that the member says something;
 * - `one-text`: every member holds what was chosen at once, and a step is a distribution of all of them (a method whose
 *   members spell the text in tokens of their own choice gives one member's, and text that not all hold yet);
 * - `copies`: where whole texts are chosen, copies of a member say what that member says alone;
 * - `bare-bytes`: it runs with a vocabulary whose bytes have no letters.
 */
export type MethodLaw =
  | "order"
  | "agreement"
  | "copies"
  | "weights"
  | "end"
  | "bytes"
  | "one-text"
  | "bare-bytes"
  | "greedy-sums";

/** What a method is exempt from that reproduces the strings of released code. */
export const PUBLISHED_STRINGS = {
  bytes: "published strings stand for other bytes than their own in places",
  "bare-bytes": "published strings share letters between the families, which a vocabulary without them cannot",
} as const satisfies MethodLaws<unknown>["exempt"];

/** A method as it was defined; called with options, what `createEnsemble` takes as `method`. */
export interface Method<Name extends string = string, Options = unknown, Given = unknown>
  extends Pick<
    MethodDefinition<Name, Options, Given>,
    "members" | "roles" | "level" | "saysBytes" | "ignoresWeights" | "saysAhead" | "create" | "build" | "laws"
  > {
  (options?: Given): MethodChoice;
  readonly info: MethodInfo & { name: Name };
  /** Error: invalid-option. */
  check(given: unknown): Options;
  needs(options: Options, place: Place): MethodNeeds;
}

/** A method with its options, checked. */
export interface MethodChoice {
  // biome-ignore lint/suspicious/noExplicitAny: of whatever method, with options of its own
  readonly method: Method<string, any, any>;
  readonly options: unknown;
}

const DEFINITION = '{ name: "mine", summary, source, requires, laws, create: (context, options) => run }';

/** What a method cannot be without. Error: invalid-option. */
function checkDefinition(given: unknown): void {
  const { name, create, laws } = readPlain("A method's definition", given as Record<string, unknown>, DEFINITION);
  checkArgument("A method's name", name, "a text", () => typeof name === "string" && name !== "");
  checkArgument("A method's create", create, "a function that makes a run", () => typeof create === "function");
  checkArgument("A method's laws", laws, 'a list: [{ covers: "all" }]', () => Array.isArray(laws));
}

/**
 * Error: invalid-option where the definition lacks something. Errors of a call of the method: invalid-option for an unknown
 * option, and for a value that its check refuses.
 */
export function defineMethod<const Name extends string, Options = object, Given = Partial<Options>>(
  definition: MethodDefinition<Name, Options, Given>,
): Method<Name, Options, Given> {
  checkDefinition(definition);
  const { name, summary, source, requires, options, needs, ...own } = definition;
  const { texts = {}, parts } = options ?? {};
  const info = { name, summary, source, requires, options: texts, parts };
  const check = (given: unknown): Options => {
    const plain = (given ?? {}) as Record<string, unknown>;
    const unknown = Object.keys(plain).find((option) => !Object.hasOwn(texts, option));
    if (unknown !== undefined) throw unknownName(`option of ${name}`, unknown, Object.keys(texts));
    if (options === undefined) return {} as Options;
    try {
      return options.check(plain as Given, name);
    } catch (error) {
      if (error instanceof LlamafuseError) throw error;
      const message = `The options of ${name} cannot be used: ${(error as Error).message}`;
      throw new LlamafuseError("invalid-option", message, { method: name, found: plain, allowed: texts }, error);
    }
  };
  const method = (given?: Given): MethodChoice => ({ method: made, options: check(given) });
  const made: Method<Name, Options, Given> = Object.assign(method, {
    info,
    check,
    needs: (options: Options, place: Place) => needs?.(options, place) ?? {},
    ...own,
  });
  return made;
}
