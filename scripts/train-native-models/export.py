"""Turns the checkpoints into GGUF files and writes the questions and the manifest beside them.

    python3 export.py --directory build --output ../../native-models
"""

import argparse
import hashlib
import json
from pathlib import Path

import torch

import data
import evaluate
import gguf_writer
from model import NORM_EPSILON, ROTARY_BASE, LlamaModel
from native_models import SIZES, tokenizer_of
from sentencepiece_tokenizer import SentencePieceTokenizer

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}{{ 'Question: ' + message['content'] | trim + '\\n' }}"
    "{% elif message['role'] == 'assistant' %}{{ 'Answer: ' + message['content'] | trim + '\\n' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Answer:' }}{% endif %}"
)
TENSOR_NAMES = {
    "attention_norm": "attn_norm", "query": "attn_q", "key": "attn_k", "value": "attn_v",
    "attention_output": "attn_output", "feed_forward_norm": "ffn_norm", "gate": "ffn_gate", "up": "ffn_up",
    "down": "ffn_down",
}


def tokenizer_metadata(tokenizer) -> dict:
    """The tokenizer.ggml.* keys of either kind of tokenizer."""
    common = {
        "tokenizer.ggml.tokens": tokenizer.tokens,
        "tokenizer.ggml.token_type": tokenizer.types,
        "tokenizer.ggml.eos_token_id": tokenizer.end,
        "tokenizer.ggml.bos_token_id": tokenizer.end if tokenizer.begin is None else tokenizer.begin,
        "tokenizer.ggml.add_bos_token": tokenizer.begin is not None,
        "tokenizer.ggml.add_eos_token": False,
        "tokenizer.chat_template": CHAT_TEMPLATE,
    }
    if isinstance(tokenizer, SentencePieceTokenizer):
        return common | {
            "tokenizer.ggml.model": "llama", "tokenizer.ggml.scores": tokenizer.scores,
            "tokenizer.ggml.unknown_token_id": 0, "tokenizer.ggml.add_space_prefix": True,
        }
    merges = [f"{left} {right}" for left, right in tokenizer.merges]
    return common | {
        "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2", "tokenizer.ggml.merges": merges,
        "tokenizer.ggml.add_space_prefix": False,
    }


def metadata(name: str, tokenizer) -> dict:
    """Everything but the tensors."""
    sizes = SIZES[name]
    return {
        "general.architecture": "llama",
        "general.type": "model",
        "general.name": name.capitalize(),
        "general.author": "Llamafuse",
        "general.license": "mit",
        "general.description": f"{name.capitalize()}, one of Llamafuse's two native models: tiny stories and simple "
        "questions in English, trained from nothing on text that the project generates. Knows one half of its world.",
        "general.languages": ["en"],
        "general.file_type": 1,
        "llama.context_length": sizes.context,
        "llama.embedding_length": sizes.embedding,
        "llama.block_count": sizes.layers,
        "llama.feed_forward_length": sizes.feed_forward,
        "llama.attention.head_count": sizes.heads,
        "llama.attention.head_count_kv": sizes.heads,
        "llama.attention.layer_norm_rms_epsilon": NORM_EPSILON,
        "llama.rope.dimension_count": sizes.embedding // sizes.heads,
        "llama.rope.freq_base": ROTARY_BASE,
        "llama.vocab_size": sizes.vocabulary,
        **tokenizer_metadata(tokenizer),
    }


def tensors(model: LlamaModel) -> dict:
    """The weights under llama.cpp's names; the output matrix is the embedding, so it is left out."""
    weights = {name: weight.detach().numpy() for name, weight in model.named_parameters()}
    named = {"token_embd.weight": weights["embedding.weight"], "output_norm.weight": weights["output_norm.weight"]}
    for layer in range(model.sizes.layers):
        for ours, theirs in TENSOR_NAMES.items():
            named[f"blk.{layer}.{theirs}.weight"] = weights[f"blocks.{layer}.{ours}.weight"]
    return named


def export(name: str, directory: Path, output: Path, seed: int, questions: list[dict]) -> dict:
    """Writes one GGUF file and returns its manifest entry, measured on the weights as they are stored (F16)."""
    tokenizer = tokenizer_of(name, seed)
    saved = torch.load(directory / f"{name}.pt", map_location="cpu")
    stored = {key: weight.half().float() if weight.dim() > 1 else weight for key, weight in saved["model"].items()}
    model = LlamaModel(SIZES[name]).eval()
    model.load_state_dict(stored)
    path = output / f"{name}.gguf"
    gguf_writer.write(path, metadata(name, tokenizer), tensors(model))
    content = path.read_bytes()
    return {
        "name": name,
        "file": path.name,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "vocabulary": len(tokenizer.tokens),
        "tokenizer": "SentencePiece (llama)" if tokenizer.begin is not None else "byte-level BPE (gpt-2)",
        "context": SIZES[name].context,
        "trainingTokens": saved["tokens"],
        "loss": evaluate.loss(model, tokenizer, data.Generator(name, seed), seed),
        "accuracy": evaluate.accuracy(model, tokenizer, questions),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--directory", type=Path, default=Path("build"), help="where the checkpoints are")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "../../native-models")
    parser.add_argument("--seed", type=int, default=data.DEFAULT_SEED)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    questions = data.held_out_questions(arguments.seed)
    lines = "".join(json.dumps(line) + "\n" for line in questions)
    (arguments.output / "questions.jsonl").write_text(lines, encoding="utf-8")
    models = [export(name, arguments.directory, arguments.output, arguments.seed, questions) for name in SIZES]
    manifest = {"seed": arguments.seed, "license": "MIT", "questions": "questions.jsonl", "models": models}
    (arguments.output / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(models, indent=2))


if __name__ == "__main__":
    main()
