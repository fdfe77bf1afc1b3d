/** The tokenizer.json of a GGUF file with GPT-2's byte-level BPE, as Hugging Face would keep it, with the files beside it. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { checkModel } from "../../src/llama/check-model.js";

/** token_type 3 of GGUF. */
const CONTROL = 3;

/** Returns the path of the tokenizer.json in the folder. */
export async function tokenizerJsonOf(gguf: string, folder: string): Promise<string> {
  const { metadata } = (await checkModel(gguf)).gguf;
  const texts = (key: string) => {
    const list = metadata.array(key, ["string"])!;
    return Array.from({ length: list.length }, (_, index) => list.stringAt(index));
  };
  const tokens = texts("tokenizer.ggml.tokens");
  const types = Array.from(metadata.array("tokenizer.ggml.token_type", ["int32"])!.numbers(), Number);
  const added = tokens.flatMap((content, id) => (types[id] === CONTROL ? [{ id, content, special: true }] : []));
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  const json = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added.map((each) => ({
      ...each,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: texts("tokenizer.ggml.merges"),
    },
  };
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, "tokenizer.json");
  writeFileSync(file, JSON.stringify(json));
  const eos = tokens[metadata.uint32("tokenizer.ggml.eos_token_id")!];
  const config = { eos_token: eos, bos_token: null, chat_template: metadata.string("tokenizer.chat_template") };
  writeFileSync(path.join(folder, "tokenizer_config.json"), JSON.stringify(config));
  return file;
}
