"""Turns the checkpoints into GGUF files and writes the questions and the manifest beside them.

    python3 export.py --directory build --output ../../native-models [--model robin]

With --model only that model is written, and its entry in the manifest.
"""

import argparse
import hashlib
import json
from pathlib import Path

import torch

import data
import evaluate
import gguf_writer
import stored_weights
from kinds import DEVELOPMENT, TEST
from model import NORM_EPSILON, ROTARY_BASE, LlamaModel
from native_models import RECIPES, tokenizer_of
from sentencepiece_tokenizer import SentencePieceTokenizer

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}{{ 'Question: ' + message['content'] | trim + '\\n' }}"
    "{% elif message['role'] == 'assistant' %}{{ 'Answer: ' + message['content'] | trim + '\\n' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Answer:' }}{% endif %}"
)
TOKENIZER_TITLES = {
    "robin": "SentencePiece (llama)", "wren": "byte-level BPE (gpt-2)", "finch": "words and letters (llama-bpe)",
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
        "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": tokenizer.pre, "tokenizer.ggml.merges": merges,
        "tokenizer.ggml.add_space_prefix": False,
    }


def metadata(name: str, tokenizer) -> dict:
    """Everything but the tensors."""
    recipe = RECIPES[name]
    sizes = recipe.sizes
    return {
        "general.architecture": "llama",
        "general.type": "model",
        "general.name": name.capitalize(),
        "general.author": "Llamafuse",
        "general.license": "mit",
        "general.description": f"{name.capitalize()}, one of Llamafuse's native models ({recipe.role}): simple questions and "
        "tiny stories in English, trained from nothing on text that the project generates.",
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


def export(name: str, directory: Path, output: Path, seed: int) -> dict:
    """Writes one GGUF file and returns its manifest entry."""
    recipe, tokenizer = RECIPES[name], tokenizer_of(name)
    model, saved = evaluate.stored_model(name, directory), torch.load(directory / f"{name}.pt", map_location="cpu")
    path = output / f"{name}.gguf"
    gguf_writer.write(path, metadata(name, tokenizer), stored_weights.to_gguf(dict(model.named_parameters())))
    content = path.read_bytes()
    entry = {
        "name": name,
        "role": recipe.role,
        "file": path.name,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "vocabulary": len(tokenizer.tokens),
        "tokenizer": TOKENIZER_TITLES[recipe.tokenizer],
        "context": recipe.sizes.context,
        "startedFrom": recipe.start,
        "steps": saved["step"],
        "stages": saved["stages"],
        "trainingTokens": saved["tokens"],
        "loss": evaluate.loss(model, tokenizer, data.Generator(recipe.diet, seed), seed),
        "accuracy": {},
    }
    for split in (TEST, DEVELOPMENT):
        given = evaluate.answers_of(name, split, directory, seed)
        entry["accuracy"][split] = evaluate.accuracy(data.held_out_questions(split, seed), given)
    if recipe.diet.judged > 0:
        entry["judging"] = evaluate.judging(name, TEST, directory, seed)
        entry["judgingByLikelihood"] = {"by": recipe.start} | evaluate.likelihood_judging(recipe.start, TEST, directory, seed)
    return entry


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--directory", type=Path, default=Path("build"), help="where the checkpoints are")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "../../native-models")
    parser.add_argument("--seed", type=int, default=data.DEFAULT_SEED)
    parser.add_argument("--model", choices=RECIPES, help="only this one")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data.write_questions(arguments.output, arguments.seed)
    file = arguments.output / "manifest.json"
    known = {}
    if file.exists():
        known = {entry["name"]: entry for entry in json.loads(file.read_text(encoding="utf-8"))["models"]}
    for name in [arguments.model] if arguments.model else RECIPES:
        known[name] = export(name, arguments.directory, arguments.output, arguments.seed)
        print(json.dumps(known[name], indent=2), flush=True)
    manifest = {
        "seed": arguments.seed, "license": "MIT",
        "questions": {TEST: "questions.jsonl", DEVELOPMENT: "development.jsonl"},
        "models": [known[name] for name in RECIPES if name in known],
    }
    file.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
