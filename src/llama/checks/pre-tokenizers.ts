/** The pre-tokenizers (`tokenizer.ggml.pre`) of byte-pair vocabularies that this release of llama.cpp knows. */

const words = (text: string): string[] => text.trim().split(/\s+/);

/** They begin a text with the beginning-of-text token where the file does not say. */
const ADD_BOS = words(
  `llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano tekken chameleon`,
);
/** They work on the text itself (with ▁ for spaces) and not on GPT-2's letters for bytes. */
const RAW_TEXT = words("gemma4 granite-embed-multi-311m sarvam-moe whitespace");
const OTHERS = words(`default minicpm5 deepseek-llm deepseek-coder deepseek-v3 youtu falcon mpt starcoder gpt-2
  phi-2 jina-es jina-de gigachat jina-v2-es jina-v2-de a.x-4.0 mellum modern-bert jais-2 jina-v1-en jina-v2-code
  roberta-bpe refact command-r qwen2 deepseek-r1-qwen kormo f2llmv2 qwen35 stablelm2 olmo dbrx smaug-bpe poro-chat glm4
  chatglm-bpe viking jais smollm codeshell bloom gpt3-finnish exaone exaone4 exaone-moe minerva-7b megrez gpt-4o llama4
  kanana2 talkie granite-embed-multi-97m tiny_aya cohere2moe superbpe trillion granite-docling bailingmoe bailingmoe2
  llada-moe seed-coder hunyuan hunyuan-dense joyai-llm kimi-k2 grok-2 afmoe laguna minimax-m2 solar-open
  mellum2`);

export interface PreTokenizer {
  addsBos: boolean;
  /** Whether tokens are written in GPT-2's letters, one a byte (a line break is Ċ). */
  byteLetters: boolean;
  /** Whether there is no beginning-of-text token unless the file names one. */
  withoutBos: boolean;
}

export const PRE_TOKENIZERS: ReadonlyMap<string, PreTokenizer> = new Map(
  [...ADD_BOS, ...RAW_TEXT, ...OTHERS].map((name) => [
    name,
    {
      addsBos: ADD_BOS.includes(name) || name === "gemma4" || name === "granite-embed-multi-311m",
      byteLetters: !RAW_TEXT.includes(name),
      withoutBos: name === "glm4" || name === "chatglm-bpe",
    },
  ]),
);
