"""Trains one native model on documents drawn on the fly; stops and resumes at a checkpoint.

    OPENBLAS_CORETYPE=SKYLAKEX OMP_NUM_THREADS=1 python3 train.py --model robin --directory build

Rows are filled with whole documents from their beginning, as llama.cpp sees them: robin puts <s> before each, wren nothing,
both end with the end token. The last part of the run uses rows of the full context, so that late positions are
trained too.

Fusion can stop a model in the middle of a word: the partner said " Thurs", this model would have said " Thursday" in one
token. Later in the run some words are therefore cut in two, each part tokenised alone; the model learns to finish the
word but not to begin one that way, because the first part is no target.

Step n draws its documents from seed and n alone: a resumed run sees the same data.
"""

import argparse
import math
import random
import re
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

import data
from model import LlamaModel
from native_models import SIZES, tokenizer_of

TOKENS_PER_STEP = 4096
SHORT_ROW = 256
LONG_ROWS_FROM = 0.8
PEAK_RATE, FINAL_RATE, WARM_UP_STEPS = 4e-3, 1e-4, 100
CUT_FROM, CUT_DOCUMENTS, CUT_WORDS = 0.6, 0.3, 0.3
WORD = re.compile(r" ?(?:[^\W\d_]{2,}|\d{2,})")
IGNORED = -100
CHECKPOINT_EVERY, LOG_EVERY = 100, 20


def document_ids(spans: data.Document, tokenizer) -> tuple[list[int], list[int]]:
    """Ids of one document with begin and end tokens, and the same ids as targets with untrained spans blanked."""
    begin = [] if tokenizer.begin is None else [tokenizer.begin]
    ids, targets = list(begin), [IGNORED] * len(begin)
    for index, (text, trained) in enumerate(spans):
        span = tokenizer.encode(text, at_start=index == 0)
        ids += span
        targets += span if trained else [IGNORED] * len(span)
    return ids + [tokenizer.end], targets + [tokenizer.end]


def cut_words(spans: data.Document, random_source: random.Random) -> data.Document:
    """Cuts CUT_WORDS of the words in two spans, of which only the second is trained."""
    result: data.Document = []
    for text, trained in spans:
        done = 0
        for match in WORD.finditer(text):
            if trained and random_source.random() < CUT_WORDS:
                first = match.start() + (match.group()[0] == " ") + 1
                middle = random_source.randrange(first, match.end())
                result += [(text[done : match.start()], True), (text[match.start() : middle], False)]
                done = middle
        result.append((text[done:], trained))
    return [span for span in result if span[0]]


def batch(
    generator: data.Generator, tokenizer, row: int, cutting: bool, random_source: random.Random
) -> tuple[Tensor, Tensor]:
    """Inputs and next-token targets, both (rows, row length); the first token of a document is never a target."""
    inputs, targets = [], []
    for _ in range(TOKENS_PER_STEP // row):
        ids, wanted = [], []
        while len(ids) <= row:
            spans = generator.document(random_source)
            if cutting and random_source.random() < CUT_DOCUMENTS:
                spans = cut_words(spans, random_source)
            more_ids, more_wanted = document_ids(spans, tokenizer)
            ids += more_ids
            wanted += [IGNORED] + more_wanted[1:]
        inputs.append(ids[:row])
        targets.append(wanted[1 : row + 1])
    return torch.tensor(inputs), torch.tensor(targets)


def learning_rate(step: int, steps: int) -> float:
    """Linear warm-up, then a half cosine down to FINAL_RATE."""
    if step < WARM_UP_STEPS:
        return PEAK_RATE * (step + 1) / WARM_UP_STEPS
    progress = (step - WARM_UP_STEPS) / max(1, steps - WARM_UP_STEPS)
    return FINAL_RATE + (PEAK_RATE - FINAL_RATE) * (1 + math.cos(math.pi * min(1.0, progress))) / 2


def optimizer_of(model: LlamaModel) -> torch.optim.AdamW:
    """AdamW with weight decay on matrices only."""
    matrices = [weight for weight in model.parameters() if weight.dim() > 1]
    vectors = [weight for weight in model.parameters() if weight.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=PEAK_RATE, betas=(0.9, 0.98), foreach=True)


def save(path: Path, content: dict) -> None:
    """Writes beside the target and renames, so that a reader never sees half a file."""
    partial = path.with_suffix(".partial")
    torch.save(content, partial)
    partial.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=SIZES, required=True)
    parser.add_argument("--directory", type=Path, default=Path("build"), help="where checkpoints go")
    parser.add_argument("--seed", type=int, default=data.DEFAULT_SEED)
    parser.add_argument("--steps", type=int, default=2800)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    torch.set_flush_denormal(True)
    arguments.directory.mkdir(parents=True, exist_ok=True)
    checkpoint = arguments.directory / f"{arguments.model}.pt"

    tokenizer = tokenizer_of(arguments.model, arguments.seed)
    generator = data.Generator(arguments.model, arguments.seed)
    model = LlamaModel(SIZES[arguments.model])
    optimizer = optimizer_of(model)
    step, loss_average = 0, 0.0
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        step, loss_average = saved["step"], saved["loss"]
    print(f"{arguments.model}: {sum(weight.numel() for weight in model.parameters())} parameters, from step {step}", flush=True)

    started, started_step = time.time(), step
    while step < arguments.steps:
        row = SHORT_ROW if step < LONG_ROWS_FROM * arguments.steps else SIZES[arguments.model].context
        random_source = random.Random(f"{arguments.seed}/{arguments.model}/{step}")
        inputs, targets = batch(generator, tokenizer, row, step >= CUT_FROM * arguments.steps, random_source)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, arguments.steps)
        loss = functional.cross_entropy(model(inputs).flatten(0, 1), targets.flatten(), ignore_index=IGNORED)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        loss_average = loss.item() if step == 1 else 0.98 * loss_average + 0.02 * loss.item()
        if step % LOG_EVERY == 0:
            speed = (step - started_step) * TOKENS_PER_STEP / (time.time() - started)
            print(f"step {step} loss {loss_average:.4f} tokens/s {speed:.0f}", flush=True)
        if step % CHECKPOINT_EVERY == 0 or step == arguments.steps:
            save(checkpoint, {
                "model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "loss": loss_average,
                "tokens": step * TOKENS_PER_STEP,
            })


if __name__ == "__main__":
    main()
