/** The end of a member's prompt, spelt anew together with what follows: its tokens are taken back, their bytes stay. */
import type { Member } from "../../../member/member.js";
import { promptOfTokens } from "../../../member/prompt-of-tokens.js";
import { TokenClass, textAtFragmentStart } from "../../../vocabulary/vocabulary.js";

export interface PromptEnd {
  /** The tokens that the member holds now. */
  before: readonly number[];
  /** What the tokens said that were taken back. */
  bytes: readonly number[];
}

/** The member has begun its prompt: take back at most `heal` text tokens. */
export async function takeBackEnd(member: Member, heal: number): Promise<PromptEnd> {
  const { vocabulary } = member;
  const ids = Array.from(await member.cachedTokens());
  const firstText = ids.findLastIndex((id) => vocabulary.classOf(id) !== TokenClass.text) + 1;
  // Something has to stay that the model can be asked behind.
  const kept = Math.max(firstText, ids.length - heal, 1);
  const before = ids.slice(0, kept);
  if (kept < ids.length) await beginWith(member, before);
  const { atFragmentStart } = member;
  const bytes = ids.slice(kept).flatMap((id, index) => {
    const own = vocabulary.bytesOf(id);
    return Array.from(index === 0 && atFragmentStart ? textAtFragmentStart(own) : own);
  });
  return { before, bytes };
}

export async function beginWith(member: Member, ids: readonly number[]): Promise<void> {
  await member.begin({ ...promptOfTokens(ids), reuse: true });
}
