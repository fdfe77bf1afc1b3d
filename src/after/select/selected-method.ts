/** From a selection's name and options to an ensemble that it leads; for whatever else stands over answers, too. */
import { checkOnMemberFailure } from "../../decoding/member-failure.js";
import { checkDefaults } from "../../decoding/request.js";
import { normaliseWeights, speakingOf } from "../../during/weightings/weights.js";
import { fuse, overLoaded } from "../../ensemble/ensemble.js";
import { checkLoadOptions } from "../../ensemble/load-options.js";
import { castOf, insideTurn, type Members, untilAborted } from "../../ensemble/members.js";
import type { MemberSource } from "../../ensemble/system.js";
import type { Selecting } from "./define-selection.js";
import type { AnswersParts } from "./over-answers.js";
import { type SelectionOptions, selectionNamed } from "./registry.js";
import { SelectedEnsemble } from "./selected-ensemble.js";
import { withShared } from "./shared-candidates.js";

/** Members under a selection: loaded ones stay the caller's. Errors: invalid-option, those of loading, disposed, aborted. */
export function openSelection(method: SelectionOptions, source: MemberSource): Promise<SelectedEnsemble> {
  return openOverAnswers(selectionNamed(method), source, (parts) => new SelectedEnsemble(parts));
}

/** Members under a rule. Errors: those of `openSelection`. */
export async function openOverAnswers<Rule, Made>(
  selecting: Selecting<Rule>,
  source: MemberSource,
  make: (parts: AnswersParts<Rule>) => Made,
): Promise<Made> {
  const defaults = checkDefaults(source.request);
  const onMemberFailure = checkOnMemberFailure(source.onMemberFailure);
  const over = async (members: Members, disposeMembers: () => Promise<void>) => {
    const cast = castOf(members);
    if (cast.turns.closed !== undefined) throw cast.turns.closed;
    const voices = speakingOf(cast.voices);
    const alone = voices.map(async ({ member }) => {
      const single = await fuse(insideTurn(members.only(member.name)), { name: "single" });
      return withShared(single, members);
    });
    return make({
      selecting,
      cast,
      members: await Promise.all(alone),
      weights: normaliseWeights(voices.map(({ weight }) => weight)),
      defaults,
      onMemberFailure,
      disposeMembers,
    });
  };
  if ("loaded" in source) return await untilAborted(source.signal, () => over(source.loaded, async () => {}));
  const checked = checkLoadOptions(source.load, "createEnsemble");
  return await overLoaded(checked, (members) => over(members, () => members.dispose()));
}
