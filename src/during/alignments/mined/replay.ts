/** What members say at each of the reference's tokens, when they read these mapped one by one, as PackLLM's released code has it. */
import type { MemberPrompt } from "../../../member/member.js";
import { promptOfTokens } from "../../../member/prompt-of-tokens.js";
import { settleAll } from "../../../settle-all.js";
import type { MinedSpace } from "./space.js";

/** What a replay needs of a member. */
export interface ReplayReader {
  begin(prompt: MemberPrompt): Promise<unknown>;
  append(feedback: { kind: "tokens"; ids: readonly number[] }): void;
  advance(): Promise<void>;
  readonly output: Parameters<MinedSpace["gather"]>[1];
}

export interface Replayed {
  /** The reference's tokens. */
  ids: ArrayLike<number>;
  /** The first place whose token is a target; at least 1, since nothing precedes the first token. */
  from: number;
  /** Whether a token of the reference is a target: it ends no text and has an entry. */
  counts(id: number): boolean;
}

/**
 * Call `visit` for every member at every target, in order for each member: the logits of the space's entries before it, valid
 * during the call. One decode of one token a place.
 */
export async function replay(
  space: MinedSpace,
  readers: readonly ReplayReader[],
  { ids, from, counts }: Replayed,
  visit: (member: number, target: number, values: Float64Array) => void,
): Promise<void> {
  await settleAll(
    readers.map(async (reader, member) => {
      const own = Array.from(ids, (id) => space.idOfToken(member, id));
      const values = new Float64Array(space.size);
      await reader.begin(promptOfTokens(own.slice(0, from)));
      for (let place = from; place < ids.length; place++) {
        if (counts(ids[place])) {
          space.gather(member, reader.output, values);
          visit(member, space.entryOf(ids[place]), values);
        }
        reader.append({ kind: "tokens", ids: [own[place]] });
        await reader.advance();
      }
    }),
  );
}
