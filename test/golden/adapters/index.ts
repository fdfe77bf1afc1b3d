import type { GoldenAdapter } from "../adapter.js";
import { gac } from "./gac.js";
import { unite } from "./unite.js";
import { uniteProbability } from "./unite-prob.js";

/** One adapter a method; a golden file of a method that is not here fails. */
export const adapters: readonly GoldenAdapter[] = [gac, unite, uniteProbability];
