/** How well a member predicts the prompt that it holds, by bytes. */
import type { Member } from "../../../member/member.js";
import { promptOfTokens } from "../../../member/prompt-of-tokens.js";
import { TokenClass } from "../../../vocabulary/vocabulary.js";
import type { Voice } from "../../method.js";
import { withoutThought } from "../../without-thought.js";

export interface ByteLoss {
  /** −ln of the probability, in nats. */
  nats: number;
  bytes: number;
}

/**
 * Of the prompt's text in the member's own tokens, the first token left out, which nothing precedes. `prepare`: prepares the
 * member as it was; it then holds the prompt again. What it thought by itself is left out.
 */
export async function promptLoss(
  member: Member,
  thought: Voice["thought"],
  prepare: () => Promise<void>,
): Promise<ByteLoss> {
  const { vocabulary } = member;
  const held = Array.from(await member.cachedTokens());
  const tokens = withoutThought(held, thought);
  // A prompt is not scored while branches are prepared.
  await member.prepare({ top: 0 });
  const { logProbs } = await member.scorePrompt(promptOfTokens(tokens));
  await prepare();
  await member.begin(promptOfTokens(held));
  const loss = { nats: 0, bytes: 0 };
  for (const [place, id] of tokens.entries()) {
    if (place === 0 || vocabulary.classOf(id) !== TokenClass.text) continue;
    loss.nats -= logProbs[place];
    loss.bytes += vocabulary.bytesOf(id).length;
  }
  return loss;
}
