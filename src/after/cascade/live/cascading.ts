/** From a cascade's name and its file to an ensemble that it leads. */
import { theKnob } from "../../../before/allocation/choose.js";
import { checkedMemory, namesOf, poolOf } from "../../../before/live/pool-entries.js";
import { checkDefaults } from "../../../decoding/request.js";
import { untilAborted } from "../../../ensemble/members.js";
import type { MemberSource } from "../../../ensemble/system.js";
import { LlamafuseError } from "../../../errors.js";
import { CascadedEnsemble } from "./cascaded-ensemble.js";
import { type CascadedMethod, knobOf, openCascade } from "./cascaded-method.js";

const SAMPLE_TEMPERATURE = 0.7;

/**
 * A cascade over members: those to be loaded are loaded when they are first asked, those that are loaded stay the caller's.
 * Errors: those of `loadCascade`, invalid-option, incompatible-members (a model of the cascade is not a member), out-of-memory.
 */
export async function openCascading(method: CascadedMethod, source: MemberSource): Promise<CascadedEnsemble> {
  const memory = checkedMemory(method.memory);
  const defaults = checkDefaults(source.request);
  const names = namesOf(source);
  return await untilAborted(source.signal, async () => {
    const { cascade, embedder, ownsEmbedder } = await openCascade(method, names);
    try {
      theKnob(knobOf(method), cascade.info);
      const identity = cascade.toJSON().embedder;
      if (identity !== undefined && embedder?.id !== identity.id) {
        const message = `This ${cascade.info.name} cascade was fitted on the embedder ${identity.id}; found ${embedder?.id ?? "none"}. Give that embedder.`;
        throw new LlamafuseError("incompatible-members", message, { found: embedder?.id, allowed: identity.id });
      }
      const pool = await poolOf(cascade.chain, source, memory, "cascade");
      source.signal?.throwIfAborted();
      return new CascadedEnsemble({
        cascade,
        embedder: identity && embedder,
        ownsEmbedder,
        knob: knobOf(method),
        sampleTemperature: method.sampleTemperature ?? SAMPLE_TEMPERATURE,
        verify: method.verify,
        defaults,
        pool,
      });
    } catch (error) {
      if (ownsEmbedder) await embedder?.dispose?.();
      throw error;
    }
  });
}
