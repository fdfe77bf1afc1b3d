"""Trains one native model on documents drawn on the fly; stops and resumes at a checkpoint.

    OPENBLAS_CORETYPE=SKYLAKEX OMP_NUM_THREADS=1 python3 train.py --model robin --directory build

A document is a row of its own, from its beginning, as llama.cpp sees a prompt: robin puts <s> in front, the others nothing, all
end with the end token. The documents of a step are sorted by length and run in a few batches of like length, whose
gradients add up.

Fusion can stop a model in the middle of a word, or between a space and its word: the partner said " Thurs", this model would
have said " Thursday" in one token. Later in the run some words are therefore cut in two, each part tokenised alone; the
model learns to finish the word but not to begin one that way, because the first part counts nothing.

Step n draws its documents from seed and n alone: a resumed run sees the same data.
"""

import argparse
import math
import re
import time
from pathlib import Path
from random import Random

import torch
from torch import Tensor
from torch.nn import functional

import data
from model import LlamaModel
from muon import Muon
from native_models import RECIPES, Recipe, tokenizer_of

DOCUMENTS_PER_STEP = 64
BATCH_TOKENS = 768
MATRIX_RATE, OTHER_RATE = 0.02, 4e-3
FINAL_RATE, WARM_UP_STEPS = 0.02, 100
CUT_FROM, CUT_DOCUMENTS, CUT_WORDS = 0.4, 0.6, 0.6
WORD = re.compile(r" ?(?:[^\W\d_]+|\d+)")
CHECKPOINT_EVERY, LOG_EVERY = 100, 20

Row = tuple[list[int], list[float]]


def document_row(spans: data.Document, tokenizer) -> Row:
    """Ids of one document with begin and end tokens, and the weight of each in the loss."""
    begin = [] if tokenizer.begin is None else [tokenizer.begin]
    ids, weights = list(begin), [0.0] * len(begin)
    for index, (text, weight) in enumerate(spans):
        span = tokenizer.encode(text, at_start=index == 0)
        ids += span
        weights += [weight] * len(span)
    return ids + [tokenizer.end], weights + [1.0]


def cut_words(spans: data.Document, random_source: Random) -> data.Document:
    """Cuts CUT_WORDS of the words in two spans, of which only the second is trained."""
    result: data.Document = []
    for text, weight in spans:
        done = 0
        for match in WORD.finditer(text):
            if len(match.group()) > 1 and weight > 0 and random_source.random() < CUT_WORDS:
                middle = random_source.randrange(match.start() + 1, match.end())
                result += [(text[done : match.start()], weight), (text[match.start() : middle], 0.0)]
                done = middle
        result.append((text[done:], weight))
    return [span for span in result if span[0]]


def rows_of_step(generator: data.Generator, tokenizer, cutting: bool, random_source: Random) -> list[Row]:
    """The documents of one step."""
    rows = []
    for _ in range(DOCUMENTS_PER_STEP):
        spans = generator.document(random_source)
        if cutting and random_source.random() < CUT_DOCUMENTS:
            spans = cut_words(spans, random_source)
        rows.append(document_row(spans, tokenizer))
    return rows


def batches(rows: list[Row], longest: int) -> list[tuple[Tensor, Tensor]]:
    """Ids and weights, both (documents, tokens), short documents with short ones; what is too long is cut off."""
    ordered = sorted(rows, key=lambda row: len(row[0]))
    result, group = [], []
    for index, row in enumerate(ordered):
        group.append(row)
        following = len(ordered[index + 1][0]) if index + 1 < len(ordered) else math.inf
        if following * (len(group) + 1) > BATCH_TOKENS:
            width = min(longest, len(row[0]))
            ids = torch.tensor([(ids + [0] * (width - len(ids)))[:width] for ids, _ in group])
            weights = torch.tensor([(weights + [0.0] * (width - len(weights)))[:width] for _, weights in group])
            result.append((ids, weights))
            group = []
    return result


def rate_at(step: int, steps: int) -> float:
    """The part of the peak rate: linear warm-up, then a half cosine down to FINAL_RATE."""
    if step < WARM_UP_STEPS:
        return (step + 1) / WARM_UP_STEPS
    progress = (step - WARM_UP_STEPS) / max(1, steps - WARM_UP_STEPS)
    return FINAL_RATE + (1 - FINAL_RATE) * (1 + math.cos(math.pi * min(1.0, progress))) / 2


def optimizers_of(model: LlamaModel, recipe: Recipe, product_type: torch.dtype) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for the embedding and the norms."""
    matrices = [weight for weight in model.blocks.parameters() if weight.dim() > 1]
    others = [weight for name, weight in model.named_parameters() if weight.dim() == 1 or name == "embedding.weight"]
    return [
        Muon(matrices, lr=MATRIX_RATE * recipe.rate, weight_decay=0.01, product_type=product_type),
        torch.optim.AdamW(others, lr=OTHER_RATE * recipe.rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def product_type_of(device: str) -> torch.dtype:
    """bfloat16 for matrix products where the processor has it (weights and sums stay in float32)."""
    flags = Path("/proc/cpuinfo").read_text() if device == "cpu" and Path("/proc/cpuinfo").exists() else ""
    return torch.bfloat16 if device == "cuda" or "avx512_bf16" in flags else torch.float32


def train_step(model: LlamaModel, rows: list[Row], product_type: torch.dtype) -> float:
    """Adds up the gradients of the weighted mean loss over the step's documents; returns that loss."""
    device = next(model.parameters()).device
    parts = batches(rows, model.sizes.context)
    whole = sum(weights[:, 1:].sum() for _, weights in parts)
    total = 0.0
    for ids, weights in parts:
        ids, weights = ids.to(device), weights.to(device)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=product_type == torch.bfloat16):
            logits = model(ids[:, :-1])
        losses = functional.cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
        loss = (losses * weights[:, 1:].flatten()).sum() / whole.to(device)
        loss.backward()
        total += loss.item()
    return total


def grown(start: dict[str, Tensor], model: LlamaModel) -> dict[str, Tensor]:
    """The weights of a model with fewer layers, spread over this one's; the layers between them add nothing at first."""
    layers = {name.split(".")[1] for name in start if name.startswith("blocks.")}
    old, new = len(layers), model.sizes.layers
    places = [round(layer * (new - 1) / (old - 1)) for layer in range(old)]
    state = model.state_dict()
    for name in state:
        kind, *rest = name.split(".")
        if kind != "blocks":
            state[name] = start[name]
        elif int(rest[0]) in places:
            state[name] = start[".".join([kind, str(places.index(int(rest[0]))), *rest[1:]])]
        elif rest[1] in ("attention_output", "down"):
            state[name] = torch.zeros_like(state[name])
    return state


def save(path: Path, content: dict) -> None:
    """Writes beside the target and renames, so that a reader never sees half a file."""
    partial = path.with_suffix(".partial")
    torch.save(content, partial)
    partial.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=RECIPES, required=True)
    parser.add_argument("--directory", type=Path, default=Path("build"), help="where checkpoints go")
    parser.add_argument("--seed", type=int, default=data.DEFAULT_SEED)
    arguments = parser.parse_args()
    name, recipe, seed = arguments.model, RECIPES[arguments.model], arguments.seed
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    torch.set_flush_denormal(True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    product_type = product_type_of(device)
    arguments.directory.mkdir(parents=True, exist_ok=True)
    checkpoint = arguments.directory / f"{name}.pt"

    tokenizer = tokenizer_of(name)
    generator = data.Generator(recipe.diet, seed)
    model = LlamaModel(recipe.sizes).to(device)
    optimizers = optimizers_of(model, recipe, product_type)
    peaks = [optimizer.param_groups[0]["lr"] for optimizer in optimizers]
    step, loss_average, tokens = 0, 0.0, 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device)
        model.load_state_dict(saved["model"])
        for optimizer, state in zip(optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        step, loss_average, tokens = saved["step"], saved["loss"], saved["tokens"]
    elif recipe.start is not None:
        start = torch.load(arguments.directory / f"{recipe.start}.pt", map_location=device)
        model.load_state_dict(grown(start["model"], model))
    print(f"{name}: {sum(weight.numel() for weight in model.parameters())} parameters, from step {step}", flush=True)

    started, started_tokens = time.time(), tokens
    while step < recipe.steps:
        random_source = Random(f"{seed}/{name}/{step}")
        rows = rows_of_step(generator, tokenizer, step >= CUT_FROM * recipe.steps, random_source)
        for optimizer, peak in zip(optimizers, peaks):
            optimizer.param_groups[0]["lr"] = peak * rate_at(step, recipe.steps)
            optimizer.zero_grad(set_to_none=True)
        loss = train_step(model, rows, product_type)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        step += 1
        tokens += sum(len(ids) for ids, _ in rows)
        loss_average = loss if step == 1 else 0.98 * loss_average + 0.02 * loss
        if step % LOG_EVERY == 0:
            speed = (tokens - started_tokens) / (time.time() - started)
            print(f"step {step} loss {loss_average:.4f} tokens/s {speed:.0f}", flush=True)
        if step % CHECKPOINT_EVERY == 0 or step == recipe.steps:
            save(checkpoint, {
                "model": model.state_dict(), "optimizers": [optimizer.state_dict() for optimizer in optimizers], "step": step,
                "loss": loss_average, "tokens": tokens,
            })


if __name__ == "__main__":
    main()
