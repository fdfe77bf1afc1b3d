/**
 * Every method by its name: what it is, which options it takes, how a run of it starts.
 *
 * With one member every method is `single`. Fusing one distribution with nothing is the identity in all of them, but the
 * detour through a shared space would sum bytes-equal tokens, cut to the top k or re-tokenise; the answer of a model
 * alone is to be that model's, to the last bit.
 */
import type { z } from "zod";
import { LlamafuseError, unknownName } from "../errors.js";
import type { BuildOptions } from "./alignments/build/pool.js";
import { checkOptions } from "./check-options.js";
import type { MethodContext, MethodInfo, MethodRun, Voice } from "./method.js";
import { checkRoles, type Roles } from "./roles.js";
import { abeInfo, abeOptions, createAbe } from "./token/abe/abe.js";
import { contrastInfo, contrastOptions, contrastRoles, createContrast } from "./token/contrast.js";
import { coreInfo, coreOptions, createCore } from "./token/core.js";
import { buildDeepen, createDeepen, deepenInfo, deepenOptions } from "./token/deepen.js";
import { buildEva, createEva, evaInfo, evaOptions } from "./token/eva.js";
import { buildFusion, createFusion, fusionInfo, fusionOptions, fusionRoles } from "./token/fusion.js";
import { createGac, gacInfo, gacOptions } from "./token/gac.js";
import { createMe, meInfo, meOptions } from "./token/me.js";
import { buildPackllm, createPackllm, packllmInfo, packllmOptions } from "./token/packllm.js";
import { createProduct, productInfo, productOptions } from "./token/product.js";
import { createProxy, proxyInfo, proxyOptions, proxyRoles } from "./token/proxy.js";
import { createPurify, purifyInfo, purifyOptions } from "./token/purify.js";
import { createSafe, safeInfo, safeOptions } from "./token/safe/safe.js";
import { SingleRun, singleInfo, singleOptions } from "./token/single.js";
import { cdsInfo, cdsOptions, cdsRoles, createCds } from "./token/switch/cds.js";
import { citerInfo, citerOptions, citerRoles, createCiter } from "./token/switch/citer.js";
import { createUnite, uniteInfo, uniteOptions } from "./token/unite/unite.js";

/** A registered method. */
export interface Method<Schema extends z.ZodType = z.ZodType> {
  info: MethodInfo;
  /** Checks the options other than `name`, and fills in the defaults. */
  options: Schema;
  /** The roles that members have instead of weights; none where it is absent or gives none. */
  roles?(options: z.output<Schema>): Roles | undefined;
  /** Start a run for one request. */
  create(context: MethodContext, options: z.output<Schema>): MethodRun;
  /** Build beforehand what takes long. A run without it builds when it first needs it. */
  build?(voices: readonly Voice[], options: z.output<Schema>, run: BuildOptions): Promise<void>;
}

const registry = {
  single: {
    info: singleInfo,
    options: singleOptions,
    create: (context) => {
      requireOne(context);
      return new SingleRun(context);
    },
  } satisfies Method<typeof singleOptions>,
  gac: {
    info: gacInfo,
    options: gacOptions,
    create: createGac,
  } satisfies Method<typeof gacOptions>,
  unite: {
    info: uniteInfo,
    options: uniteOptions,
    create: createUnite,
  } satisfies Method<typeof uniteOptions>,
  abe: {
    info: abeInfo,
    options: abeOptions,
    create: createAbe,
  } satisfies Method<typeof abeOptions>,
  me: {
    info: meInfo,
    options: meOptions,
    create: createMe,
  } satisfies Method<typeof meOptions>,
  safe: {
    info: safeInfo,
    options: safeOptions,
    create: createSafe,
  } satisfies Method<typeof safeOptions>,
  deepen: {
    info: deepenInfo,
    options: deepenOptions,
    create: createDeepen,
    build: buildDeepen,
  } satisfies Method<typeof deepenOptions>,
  eva: {
    info: evaInfo,
    options: evaOptions,
    create: createEva,
    build: buildEva,
  } satisfies Method<typeof evaOptions>,
  purify: {
    info: purifyInfo,
    options: purifyOptions,
    create: createPurify,
  } satisfies Method<typeof purifyOptions>,
  cds: {
    info: cdsInfo,
    options: cdsOptions,
    roles: () => cdsRoles,
    create: createCds,
  } satisfies Method<typeof cdsOptions>,
  citer: {
    info: citerInfo,
    options: citerOptions,
    roles: () => citerRoles,
    create: createCiter,
  } satisfies Method<typeof citerOptions>,
  core: {
    info: coreInfo,
    options: coreOptions,
    create: createCore,
    build: buildFusion,
  } satisfies Method<typeof coreOptions>,
  product: {
    info: productInfo,
    options: productOptions,
    create: createProduct,
    build: buildFusion,
  } satisfies Method<typeof productOptions>,
  contrast: {
    info: contrastInfo,
    options: contrastOptions,
    roles: () => contrastRoles,
    create: createContrast,
    build: buildFusion,
  } satisfies Method<typeof contrastOptions>,
  proxy: {
    info: proxyInfo,
    options: proxyOptions,
    roles: () => proxyRoles,
    create: createProxy,
    build: buildFusion,
  } satisfies Method<typeof proxyOptions>,
  packllm: {
    info: packllmInfo,
    options: packllmOptions,
    create: createPackllm,
    build: buildPackllm,
  } satisfies Method<typeof packllmOptions>,
  fusion: {
    info: fusionInfo,
    options: fusionOptions,
    roles: fusionRoles,
    create: createFusion,
    build: buildFusion,
  } satisfies Method<typeof fusionOptions>,
};

export type MethodName = keyof typeof registry;

/** What a method can be told; nothing where it takes no options. */
type InputOf<Schema extends z.ZodType> = string extends keyof z.input<Schema> ? unknown : z.input<Schema>;

/** A method and its options, told apart by `name`: `{ name: "unite", k: 20 }`. */
export type MethodOptions = {
  [Name in MethodName]: { name: Name } & InputOf<(typeof registry)[Name]["options"]>;
}[MethodName];

/** A method whose options have been checked. */
export interface ChosenMethod {
  info: MethodInfo;
  /** Start a run for one request. Errors: incompatible-members, invalid-option (a member name that is none). */
  create(context: MethodContext): MethodRun;
  /** Build beforehand what a run would have to wait for. Errors: incompatible-members, invalid-option, aborted. */
  build(voices: readonly Voice[], run?: BuildOptions): Promise<void>;
}

/** What there is to choose from, in the order of the documentation. */
export const methodInfos: readonly MethodInfo[] = Object.values(registry).map((method) => method.info);

/**
 * The method that these options name. LlamafuseError "invalid-option" for an unknown name, an unknown option or a value
 * out of range; the message says what was found and what is allowed.
 *
 * ```ts
 * const method = methodNamed({ name: "gac", gate: "threshold", threshold: 0.7 });
 * ```
 */
export function methodNamed({ name, ...given }: MethodOptions): ChosenMethod {
  if (!Object.hasOwn(registry, name)) throw unknownName("method", String(name), Object.keys(registry));
  const method: Method = registry[name];
  const options = checkOptions(method.info, method.options, given);
  const roles = method.roles?.(options);
  return {
    info: method.info,
    create: (context) => {
      if (roles !== undefined) checkRoles(roles, context.voices);
      return context.voices.length === 1 ? new SingleRun(context) : method.create(context, options);
    },
    build: async (voices, run = {}) => {
      if (roles !== undefined) checkRoles(roles, voices);
      if (voices.length > 1) await method.build?.(voices, options, run);
    },
  };
}

function requireOne({ voices }: MethodContext): void {
  if (voices.length === 1) return;
  throw new LlamafuseError(
    "incompatible-members",
    `The method "single" takes one member and was given ${voices.length}. Choose a method that fuses, such as unite.`,
    { found: voices.length, allowed: 1 },
  );
}
