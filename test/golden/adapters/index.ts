import type { GoldenAdapter } from "../adapter.js";
import { abe } from "./abe.js";
import { bleuChrf } from "./bleu-chrf.js";
import { gac } from "./gac.js";
import { purification } from "./purification.js";
import { unite } from "./unite.js";
import { uniteProbability } from "./unite-prob.js";

/** One adapter a method; a golden file of a method that is not here fails. */
export const adapters: readonly GoldenAdapter[] = [abe, bleuChrf, gac, unite, uniteProbability, purification];
