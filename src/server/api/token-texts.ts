/**
 * The API's token ids: those of a model's first member, in its own vocabulary. As text they go to every member, each in its own
 * tokens; a text is cut again there, so ids that its tokenizer would not choose are others behind the border.
 */
import { LlamafuseError } from "../../errors.js";
import type { Member } from "../../member/member.js";
import { TokenClass, type Vocabulary } from "../../vocabulary/vocabulary.js";
import type { LoadedModel } from "../models/loaded-model.js";

const SPACE = 0x20;

/** Error: invalid-option behind a router, which has no first member. */
export function firstMember({ first, spec }: LoadedModel, param: string): Member {
  if (first !== undefined) return first;
  const message = `The model ${spec.id} is a router, whose members have token ids of their own. Send text.`;
  throw new LlamafuseError("invalid-option", message, { param });
}

/** What each token adds to the text; a control token its name, which a prompt that is a text means as the token. */
export function tokenBytes(vocabulary: Vocabulary, ids: readonly number[]): Uint8Array[] {
  let atStart = true;
  return ids.map((id) => {
    vocabulary.checkId(id);
    if (vocabulary.classOf(id) !== TokenClass.text) {
      atStart = true;
      return new TextEncoder().encode(vocabulary.textOf(id));
    }
    const bytes = vocabulary.bytesOf(id);
    // The tokenizer's own space before a first word, which may be a token by itself.
    const isPrefix = atStart && vocabulary.addsSpacePrefix && bytes[0] === SPACE;
    atStart = false;
    return isPrefix ? bytes.subarray(1) : bytes;
  });
}

/** The same for a prompt: every member puts its own beginning-of-text token, so that of these ids is none of the text. */
export function promptBytes(vocabulary: Vocabulary, ids: readonly number[]): Uint8Array[] {
  const parts = tokenBytes(vocabulary, ids);
  if (ids[0] === vocabulary.bos && ids.length > 1) parts[0] = new Uint8Array();
  return parts;
}
