/** A router where a fusion method is named. */
import { LlamafuseError } from "../../errors.js";
import { shown } from "../../read-options.js";
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

/** LlamafuseError "invalid-option" for a router's name without the router. */
export function requireFitted({ name, router }: { name: string; router?: unknown }): void {
  if (typeof router === "string" && router !== "") return;
  const { router: fitted, embedder } = (router ?? {}) as Partial<Exclude<RoutedMethod["router"], string>>;
  if (fitted?.info !== undefined && embedder?.embed !== undefined) return;
  const found = router === undefined ? "" : `; found ${shown(router)}`;
  throw new LlamafuseError(
    "invalid-option",
    `${name} is a router and needs a fitted router file: router: "router.json", as "llamafuse route fit --router ${name} -o router.json" writes it${found}.`,
    { option: "router", found: router === undefined ? undefined : shown(router), allowed: "a router's file" },
  );
}
