/** The part of llama.h that reads a vocabulary and tokenises. */
import type { Pointer } from "./bindings.js";
import type { LibraryHandle } from "./koffi.js";

export function bindVocabulary(llama: LibraryHandle) {
  const pointer = "void *";
  const bind = <T>(name: string, result: string, ...parameters: string[]) =>
    llama.func(name, result, parameters) as unknown as T;
  return {
    vocabType: bind<(vocab: Pointer) => number>("llama_vocab_type", "int32_t", pointer),
    vocabSize: bind<(vocab: Pointer) => number>("llama_vocab_n_tokens", "int32_t", pointer),
    vocabText: bind<(vocab: Pointer, token: number) => string>(
      "llama_vocab_get_text",
      "const char *",
      pointer,
      "int32_t",
    ),
    vocabAttributes: bind<(vocab: Pointer, token: number) => number>(
      "llama_vocab_get_attr",
      "int32_t",
      pointer,
      "int32_t",
    ),
    vocabIsEnd: bind<(vocab: Pointer, token: number) => boolean>("llama_vocab_is_eog", "bool", pointer, "int32_t"),
    vocabBos: bind<(vocab: Pointer) => number>("llama_vocab_bos", "int32_t", pointer),
    vocabEos: bind<(vocab: Pointer) => number>("llama_vocab_eos", "int32_t", pointer),
    vocabAddsBos: bind<(vocab: Pointer) => boolean>("llama_vocab_get_add_bos", "bool", pointer),
    tokenize: bind<
      (
        vocab: Pointer,
        text: Uint8Array,
        length: number,
        tokens: Int32Array,
        capacity: number,
        addSpecial: boolean,
        parseSpecial: boolean,
      ) => number
    >("llama_tokenize", "int32_t", pointer, pointer, "int32_t", pointer, "int32_t", "bool", "bool"),
    tokenToPiece: bind<
      (vocab: Pointer, token: number, buffer: Uint8Array, length: number, lstrip: number, special: boolean) => number
    >("llama_token_to_piece", "int32_t", pointer, "int32_t", pointer, "int32_t", "int32_t", "bool"),
  };
}
