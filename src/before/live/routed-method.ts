/** A router where a fusion method is named. */
import { methodInfos } from "../../during/methods.js";
import { LlamafuseError } from "../../errors.js";
import type { Embedder } from "../embedders/embedder.js";
import type { RouterName } from "../registry.js";
import type { Knob, Router } from "../router.js";

/** A router in the place of a fusion method, with at most one knob. */
export interface RoutedMethod extends Knob {
  name: RouterName;
  /** The file that `llamafuse route fit` wrote, or a fitted router with its embedder. */
  router: string | { router: Router; embedder: Embedder };
  /** Bytes of weights and contexts that may be loaded at once. Default: half of the machine's memory. */
  memory?: number;
}

/** citer, a method of fusion, has a router of its own. */
export function isRouted<Other extends { name: string }>(method: Other | RoutedMethod): method is RoutedMethod {
  return "router" in method && !methodInfos.some(({ name }) => name === method.name);
}

/** A router's name without what it needs is LlamafuseError "invalid-option"; other names are checked by `methodNamed`. */
export async function refuseRouterAlone(name: string): Promise<void> {
  if (methodInfos.some((info) => info.name === name)) return;
  const { routerInfos } = await import("../registry.js");
  if (!routerInfos.some((info) => info.name === name)) return;
  throw new LlamafuseError(
    "invalid-option",
    `${name} is a router and needs a fitted one: router: "router.json", as "llamafuse route fit --router ${name} -o router.json" writes it.`,
    { option: "router", found: undefined, allowed: "a router's file" },
  );
}
