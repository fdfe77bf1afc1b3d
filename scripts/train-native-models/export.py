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
TENSOR_NAMES = {
    "attention_norm": "attn_norm", "query": "attn_q", "key": "attn_k", "value": "attn_v",
    "attention_output": "attn_output", "feed_forward_norm": "ffn_norm", "gate": "ffn_gate", "up": "ffn_up",
    "down": "ffn_down",
}
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


def tensors(model: LlamaModel) -> dict:
    """The weights under llama.cpp's names; the output matrix is the embedding, so it is left out."""
    weights = {name: weight.detach().numpy() for name, weight in model.named_parameters()}
    named = {"token_embd.weight": weights["embedding.weight"], "output_norm.weight": weights["output_norm.weight"]}
    for layer in range(model.sizes.layers):
        for ours, theirs in TENSOR_NAMES.items():
            named[f"blk.{layer}.{theirs}.weight"] = weights[f"blocks.{layer}.{ours}.weight"]
    return named


def stored_model(name: str, directory: Path) -> tuple[LlamaModel, dict]:
    """The model with its weights as they are stored (F16), and the checkpoint."""
    saved = torch.load(directory / f"{name}.pt", map_location="cpu")
    stored = {key: weight.half().float() if weight.dim() > 1 else weight for key, weight in saved["model"].items()}
    model = LlamaModel(RECIPES[name].sizes).eval()
    model.load_state_dict(stored)
    return model, saved


def export(name: str, directory: Path, output: Path, seed: int) -> dict:
    """Writes one GGUF file and returns its manifest entry."""
    recipe, tokenizer = RECIPES[name], tokenizer_of(name)
    model, saved = stored_model(name, directory)
    path = output / f"{name}.gguf"
    gguf_writer.write(path, metadata(name, tokenizer), tensors(model))
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
        "trainingTokens": saved["tokens"],
        "loss": evaluate.loss(model, tokenizer, data.Generator(recipe.diet, seed), seed),
        "accuracy": {},
    }
    for split in (TEST, DEVELOPMENT):
        questions = data.held_out_questions(split, seed)
        given = evaluate.answers(model, tokenizer, [line["question"] for line in questions])
        (directory / f"{name}.{split}.json").write_text(json.dumps(given, indent=1), encoding="utf-8")
        entry["accuracy"][split] = evaluate.accuracy(questions, given)
    if recipe.diet.judged > 0:
        entry["judging"] = judging(name, model, tokenizer, directory, seed)
    return entry


def judging(name: str, model: LlamaModel, tokenizer, directory: Path, seed: int) -> dict[str, float]:
    """How often the judge is right about the test answers of every other model that is exported."""
    questions = data.held_out_questions(TEST, seed)
    result = {}
    for other in RECIPES:
        file = directory / f"{other}.{TEST}.json"
        if other != name and file.exists():
            given = json.loads(file.read_text(encoding="utf-8"))
            result[other] = round(evaluate.judge_accuracy(model, tokenizer, questions, given), 4)
    return result | {"all": round(sum(result.values()) / len(result), 4)} if result else {}


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
