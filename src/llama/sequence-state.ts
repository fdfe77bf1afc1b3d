/**
 * What the recurrent layers of a context's first sequence keep: one state of fixed size, whatever the length of the text.
 * llama.cpp cannot take tokens back out of it, so that a caller who wants to go back saves it on the way. Keys and values of
 * a hybrid's attention layers are not part of it; they are dropped token by token, as in other models.
 */
import { LlamafuseError } from "../errors.js";
import type { LlamaContext } from "./context.js";

/** LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY: without keys and values. */
const STATE_ONLY = 1;
const SEQUENCE = 0;

export function stateBytes({ pointer, model }: LlamaContext): number {
  return Number(model.llama.functions.sequenceStateSize(pointer, SEQUENCE, STATE_ONLY));
}

/** `into`: memory that is free for it; used where it has the right size. Errors: member-failed. */
export function saveState(context: LlamaContext, into?: Uint8Array): Uint8Array {
  const size = stateBytes(context);
  const state = into?.length === size ? into : new Uint8Array(size);
  const { functions } = context.model.llama;
  const written = Number(functions.saveSequenceState(context.pointer, state, size, SEQUENCE, STATE_ONLY));
  if (written !== size) throw failed("save", written, size);
  return state;
}

/** Stand as behind the first `length` tokens, where the state was saved; the cache holds these and more. */
export function restoreState(context: LlamaContext, state: Uint8Array, length: number): void {
  const { functions } = context.model.llama;
  const read = Number(functions.restoreSequenceState(context.pointer, state, state.length, SEQUENCE, STATE_ONLY));
  if (read !== state.length) throw failed("restore", read, state.length);
  // The state says where it stands; what attention layers keep of later tokens goes.
  if (!context.rollback(length)) throw failed("go back to", length, length);
}

function failed(what: string, found: number, allowed: number): LlamafuseError {
  return new LlamafuseError("member-failed", `llama.cpp did not ${what} a recurrent state (${found} of ${allowed}).`, {
    found,
    allowed,
  });
}
