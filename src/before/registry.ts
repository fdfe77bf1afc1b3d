/** Every router by its name: what it is, which options it takes, how it starts. One file a router in `routers/`. */
import type { z } from "zod";
import { checkText, readPlain } from "../read-options.js";
import { entryNamed } from "../zod-problem.js";
import type { RouterDefinition, TrainedRouter } from "./fitting/trained-router.js";
import type { Router, RouterInfo } from "./router.js";
import { ArchRouter, archRouterInfo, archRouterOptions } from "./routers/arch-router.js";
import {
  AvengersProRouter,
  AvengersRouter,
  avengersInfo,
  avengersOptions,
  avengersProInfo,
  avengersProOptions,
} from "./routers/avengers.js";
import { BenchCoeRouter, benchCoeInfo, benchCoeOptions } from "./routers/bench-coe.js";
import { BlendingRouter, blendingInfo, blendingOptions } from "./routers/blending.js";
import { EagleRouter, eagleInfo, eagleOptions } from "./routers/eagle.js";
import { ForcRouter, forcInfo, forcOptions } from "./routers/forc.js";
import { HomoRouter, homoRouterInfo, homoRouterOptions } from "./routers/homo-router.js";
import { HybridLlmRouter, hybridLlmInfo, hybridLlmOptions } from "./routers/hybrid-llm.js";
import { KnnRouter, knnInfo, knnOptions } from "./routers/knn.js";
import { LlmBanditRouter, llmBanditInfo, llmBanditOptions } from "./routers/llm-bandit.js";
import { MetaLlmRouter, metaLlmInfo, metaLlmOptions } from "./routers/meta-llm.js";
import { PickLlmRouter, pickLlmInfo, pickLlmOptions } from "./routers/pick-llm.js";
import { RacerRouter, racerInfo, racerOptions } from "./routers/racer.js";
import { RoutellmRouter, routellmInfo, routellmOptions } from "./routers/routellm.js";
import { RoutooRouter, routooInfo, routooOptions } from "./routers/routoo.js";
import { SelectLlmRouter, selectLlmInfo, selectLlmOptions } from "./routers/select-llm.js";
import { ShnitzerRouter, shnitzerInfo, shnitzerOptions } from "./routers/shnitzer.js";
import { createSrivatsa, srivatsaInfo, srivatsaOptions } from "./routers/srivatsa.js";
import { ToRouter, toRouterInfo, toRouterOptions } from "./routers/to-router.js";
import { ZooterRouter, zooterInfo, zooterOptions } from "./routers/zooter.js";

const registry = {
  knn: {
    info: knnInfo,
    options: knnOptions,
    create: (options) => new KnnRouter(options),
  } satisfies RouterDefinition<typeof knnOptions>,
  shnitzer: {
    info: shnitzerInfo,
    options: shnitzerOptions,
    create: (options) => new ShnitzerRouter(options),
  } satisfies RouterDefinition<typeof shnitzerOptions>,
  srivatsa: {
    info: srivatsaInfo,
    options: srivatsaOptions,
    create: (options) => createSrivatsa(options),
  } satisfies RouterDefinition<typeof srivatsaOptions>,
  routellm: {
    info: routellmInfo,
    options: routellmOptions,
    create: (options) => new RoutellmRouter(options),
  } satisfies RouterDefinition<typeof routellmOptions>,
  "hybrid-llm": {
    info: hybridLlmInfo,
    options: hybridLlmOptions,
    create: (options) => new HybridLlmRouter(options),
  } satisfies RouterDefinition<typeof hybridLlmOptions>,
  "select-llm": {
    info: selectLlmInfo,
    options: selectLlmOptions,
    create: (options) => new SelectLlmRouter(options),
  } satisfies RouterDefinition<typeof selectLlmOptions>,
  routoo: {
    info: routooInfo,
    options: routooOptions,
    create: (options) => new RoutooRouter(options),
  } satisfies RouterDefinition<typeof routooOptions>,
  zooter: {
    info: zooterInfo,
    options: zooterOptions,
    create: (options) => new ZooterRouter(options),
  } satisfies RouterDefinition<typeof zooterOptions>,
  "bench-coe": {
    info: benchCoeInfo,
    options: benchCoeOptions,
    create: (options) => new BenchCoeRouter(options),
  } satisfies RouterDefinition<typeof benchCoeOptions>,
  "llm-bandit": {
    info: llmBanditInfo,
    options: llmBanditOptions,
    create: (options) => new LlmBanditRouter(options),
  } satisfies RouterDefinition<typeof llmBanditOptions>,
  "meta-llm": {
    info: metaLlmInfo,
    options: metaLlmOptions,
    create: (options) => new MetaLlmRouter(options),
  } satisfies RouterDefinition<typeof metaLlmOptions>,
  "to-router": {
    info: toRouterInfo,
    options: toRouterOptions,
    create: (options) => new ToRouter(options),
  } satisfies RouterDefinition<typeof toRouterOptions>,
  forc: {
    info: forcInfo,
    options: forcOptions,
    create: (options) => new ForcRouter(options),
  } satisfies RouterDefinition<typeof forcOptions>,
  "homo-router": {
    info: homoRouterInfo,
    options: homoRouterOptions,
    create: (options) => new HomoRouter(options),
  } satisfies RouterDefinition<typeof homoRouterOptions>,
  eagle: {
    info: eagleInfo,
    options: eagleOptions,
    create: (options) => new EagleRouter(options),
  } satisfies RouterDefinition<typeof eagleOptions>,
  "pick-llm": {
    info: pickLlmInfo,
    options: pickLlmOptions,
    create: (options) => new PickLlmRouter(options),
  } satisfies RouterDefinition<typeof pickLlmOptions>,
  blending: {
    info: blendingInfo,
    options: blendingOptions,
    create: (options) => new BlendingRouter(options),
  } satisfies RouterDefinition<typeof blendingOptions>,
  avengers: {
    info: avengersInfo,
    options: avengersOptions,
    create: (options) => new AvengersRouter(options),
  } satisfies RouterDefinition<typeof avengersOptions>,
  "avengers-pro": {
    info: avengersProInfo,
    options: avengersProOptions,
    create: (options) => new AvengersProRouter(options),
  } satisfies RouterDefinition<typeof avengersProOptions>,
  racer: {
    info: racerInfo,
    options: racerOptions,
    create: (options) => new RacerRouter(options),
  } satisfies RouterDefinition<typeof racerOptions>,
  "arch-router": {
    info: archRouterInfo,
    options: archRouterOptions,
    create: (options) => new ArchRouter(options),
  } satisfies RouterDefinition<typeof archRouterOptions>,
};

export type RouterName = keyof typeof registry;

/** What a router can be told; nothing where it takes no options. */
type InputOf<Schema extends z.ZodType> = string extends keyof z.input<Schema> ? unknown : z.input<Schema>;

/** A router and its options, chosen by `name`: `{ name: "knn", k: 40 }`. */
export type RouterOptions = {
  [Name in RouterName]: { name: Name } & InputOf<(typeof registry)[Name]["options"]>;
}[RouterName];

/** What there is to choose from, in the order of the documentation. */
export const routerInfos: readonly RouterInfo[] = Object.values(registry).map(({ info }) => info);

/**
 * A router that has yet to be fitted. LlamafuseError "invalid-option" for an unknown name, an unknown option or a value
 * out of range.
 *
 * ```ts
 * const router = createRouter({ name: "knn", k: 40 });
 * await router.fit({ table, embeddings, embedder });
 * router.decide({ text, embedding }, { lambda: 0.5 }).models;
 * ```
 */
export function createRouter(options: RouterOptions): Router {
  const given = readPlain("The options of createRouter", options, '{ name: "knn", k: 40 }');
  checkText("The router's name", given.name, `a name: ${Object.keys(registry).join(", ")}`);
  return routerNamed(given.name, given);
}

/** The same for a name and options that come from a file or a command line. */
export function routerNamed(name: string, given: Record<string, unknown> = {}): TrainedRouter {
  const entries: Record<string, RouterDefinition> = registry;
  const hint = ' "llamafuse route list" says what each does.';
  const { entry, options } = entryNamed("router", entries, name, given, hint);
  return entry.create(options);
}
