/** The part of llama.h that saves and restores what a sequence's layers keep. */
import type { Pointer } from "./bindings.js";
import type { LibraryHandle } from "./koffi.js";

export function bindStates(llama: LibraryHandle) {
  const pointer = "void *";
  const bind = <T>(name: string, ...parameters: string[]) => llama.func(name, "size_t", parameters) as unknown as T;
  return {
    sequenceStateSize: bind<(context: Pointer, sequence: number, flags: number) => number>(
      "llama_state_seq_get_size_ext",
      pointer,
      "int32_t",
      "uint32_t",
    ),
    saveSequenceState: bind<
      (context: Pointer, state: Uint8Array, size: number, sequence: number, flags: number) => number
    >("llama_state_seq_get_data_ext", pointer, pointer, "size_t", "int32_t", "uint32_t"),
    restoreSequenceState: bind<
      (context: Pointer, state: Uint8Array, size: number, sequence: number, flags: number) => number
    >("llama_state_seq_set_data_ext", pointer, pointer, "size_t", "int32_t", "uint32_t"),
  };
}
