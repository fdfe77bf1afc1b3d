/** From a regeneration's name and options to an ensemble that it leads. */
import type { MemberSource } from "../../ensemble/system.js";
import { openOverAnswers } from "../select/selected-method.js";
import { RegeneratedEnsemble } from "./regenerated-ensemble.js";
import { type RegenerationOptions, regenerationNamed } from "./registry.js";

/** Members under a regeneration: loaded ones stay the caller's. Errors: those of `openSelection`. */
export function openRegeneration(method: RegenerationOptions, source: MemberSource): Promise<RegeneratedEnsemble> {
  return openOverAnswers(regenerationNamed(method), source, (parts) => new RegeneratedEnsemble(parts));
}
