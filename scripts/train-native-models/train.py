"""Trains one native model on documents drawn on the fly; stops and resumes at a checkpoint.

    OPENBLAS_CORETYPE=SKYLAKEX OMP_NUM_THREADS=1 python3 train.py --model robin --directory build

A document is a row of its own, from its beginning, as llama.cpp sees a prompt: robin puts <s> in front, the others nothing, all
end with the end token. The documents of a step are sorted by length and run in a few batches of like length, whose
gradients add up.

Fusion can stop a model in the middle of a word, or between a space and its word: the partner said " Thurs", this model would
have said " Thursday" in one token. Later in the run some words are therefore cut in two, each part tokenised alone; the
model learns to finish the word but not to begin one that way, because the first part counts nothing. Most cuts
fall where the first part is a token, if there is such a place: fused text is tokenised anew, and "he" of "heel" may be the word "he" then.

Step n draws its documents from seed and n alone: a resumed run sees the same data.
"""

import argparse
import math
import re
import time
from functools import cache
from os.path import commonprefix
from pathlib import Path
from random import Random
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

import data
import stored_weights
from model import LlamaModel
from muon import Muon
from native_models import RECIPES, tokenizer_of

DOCUMENTS_PER_STEP = 64
BATCH_TOKENS = 768
MATRIX_RATE, OTHER_RATE = 0.02, 4e-3
FINAL_RATE, WARM_UP_STEPS = 0.02, 100
CUT_FROM, CUT_DOCUMENTS, CUT_WORDS, TOKEN_CUTS = 0.4, 0.6, 0.6, 0.9
WORD = re.compile(r" ?(?:[^\W\d_]+|\d+)")
CHECKPOINT_EVERY, LOG_EVERY = 100, 20

LOOK_BACK_SCALE = 9.0
# What is not judged.
OPEN = -1.0


class Row(NamedTuple):
    """One document: its tokens, what each counts in the loss, which token is wanted in its place, and whether the text up to
    and with it is the beginning of something right (1), of nothing right (0), or not judged (OPEN)."""

    ids: list[int]
    weights: list[float]
    wanted: list[int]
    verdicts: list[float]


def document_row(spans: data.Document, tokenizer) -> Row:
    """Ids of one document with begin and end tokens."""
    begin = [] if tokenizer.begin is None else [tokenizer.begin]
    ids, weights = list(begin), [0.0] * len(begin)
    for index, (text, weight) in enumerate(spans):
        span = tokenizer.encode(text, at_start=index == 0)
        ids += span
        weights += [weight] * len(span)
    ids, weights = ids + [tokenizer.end], weights + [1.0]
    return Row(ids, weights, ids, [OPEN] * len(ids))


def judgement_row(judgement: data.Judgement, tokenizer) -> Row:
    """The judgement, and on the way to it a verdict at every token of the answer; up to the first wrong token, and in its place,
    the right answer is taught."""
    question, answer, right = (
        tokenizer.encode(text, at_start=index == 0)
        for index, text in enumerate((f"Question: {judgement.question}\nAnswer:", f" {judgement.given}", f" {judgement.right}"))
    )
    question = ([] if tokenizer.begin is None else [tokenizer.begin]) + question
    alike = len(commonprefix([answer, right]))
    if judgement.good and judgement.given != judgement.right:
        # Right in other words: nothing tells how far.
        verdicts, weights, wanted = [OPEN] * len(answer), [0.0] * len(answer), answer
    else:
        verdicts = [float(place < alike) for place in range(len(answer))]
        weights = [float(place <= alike) for place in range(len(answer))]
        wanted = (answer[:alike] + right[alike:] + answer)[: len(answer)]
    ending = tokenizer.encode("\nJudgement:", at_start=False)
    last = tokenizer.encode(f" {judgement.word}", at_start=False) + [tokenizer.end]
    return Row(
        question + answer + ending + last,
        [0.0] * len(question) + weights + [0.0] * len(ending) + [1.0] * len(last),
        question + wanted + ending + last,
        [OPEN] * len(question) + verdicts + [OPEN] * (len(ending) - 1) + [float(judgement.good)] + [OPEN] * len(last),
    )


def cut_place(word: str, tokenizer, random_source: Random) -> int:
    """Anywhere; or, if the word begins like another one that is a token, mostly after that one."""
    places = range(2, len(word)) if random_source.random() < TOKEN_CUTS else ()
    whole = [place for place in places if word[:place] != f" {word[1]}" and is_token(word[:place], tokenizer)]
    return random_source.choice(whole or range(1, len(word)))


@cache
def is_token(text: str, tokenizer) -> bool:
    return len(tokenizer.encode(text, at_start=False)) == 1


def cut_words(spans: data.Document, tokenizer, random_source: Random) -> data.Document:
    """Cuts CUT_WORDS of the words in two spans, of which only the second is trained."""
    result: data.Document = []
    for text, weight in spans:
        done = 0
        for match in WORD.finditer(text):
            if len(match.group()) > 1 and weight > 0 and random_source.random() < CUT_WORDS:
                middle = match.start() + cut_place(match.group(), tokenizer, random_source)
                result += [(text[done : match.start()], weight), (text[match.start() : middle], 0.0)]
                done = middle
        result.append((text[done:], weight))
    return [span for span in result if span[0]]


def rows_of_step(generator: data.Generator, tokenizer, cutting: bool, random_source: Random) -> list[Row]:
    """The documents of one step."""
    rows = []
    for _ in range(DOCUMENTS_PER_STEP):
        document = generator.document(random_source)
        if isinstance(document, data.Judgement):
            rows.append(judgement_row(document, tokenizer))
            continue
        if cutting and random_source.random() < CUT_DOCUMENTS:
            document = cut_words(document, tokenizer, random_source)
        rows.append(document_row(document, tokenizer))
    return rows


def batches(rows: list[Row], longest: int) -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """The parts of the rows, each (documents, tokens), short documents with short ones; what is too long is cut off."""
    ordered = sorted(rows, key=lambda row: len(row.ids))
    result, group = [], []
    for index, row in enumerate(ordered):
        group.append(row)
        following = len(ordered[index + 1].ids) if index + 1 < len(ordered) else math.inf
        if following * (len(group) + 1) > BATCH_TOKENS:
            width = min(longest, len(row.ids))
            parts = zip(zip(*group), (0, 0.0, 0, OPEN), strict=True)
            result.append(tuple(
                torch.tensor([(part + [filling] * (width - len(part)))[:width] for part in parts_alike])
                for parts_alike, filling in parts
            ))
            group = []
    return result


def rate_at(step: float, steps: int) -> float:
    """The part of the peak rate: linear warm-up, then a half cosine down to FINAL_RATE."""
    if step < WARM_UP_STEPS:
        return (step + 1) / WARM_UP_STEPS
    progress = (step - WARM_UP_STEPS) / max(1, steps - WARM_UP_STEPS)
    return FINAL_RATE + (1 - FINAL_RATE) * (1 + math.cos(math.pi * min(1.0, progress))) / 2


def optimizers_of(model: LlamaModel, rate: float, product_type: torch.dtype) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for the embedding and the norms, of those that are trained."""
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    matrices = [weight for name, weight in trained.items() if weight.dim() > 1 and name != "embedding.weight"]
    others = [weight for name, weight in trained.items() if weight.dim() == 1 or name == "embedding.weight"]
    return [
        Muon(matrices, lr=MATRIX_RATE * rate, weight_decay=0.01, product_type=product_type),
        torch.optim.AdamW(others, lr=OTHER_RATE * rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def product_type_of(device: str) -> torch.dtype:
    """bfloat16 for matrix products where the processor has it (weights and sums stay in float32)."""
    flags = Path("/proc/cpuinfo").read_text() if device == "cpu" and Path("/proc/cpuinfo").exists() else ""
    return torch.bfloat16 if device == "cuda" or "avx512_bf16" in flags else torch.float32


def train_step(model: LlamaModel, rows: list[Row], tokenizer, product_type: torch.dtype) -> float:
    """Adds up the gradients of the weighted mean loss over the step's documents, and of the verdicts' loss for a document;
    returns the sum of both.

    A verdict is the sigmoid of the difference of the logits of " good" and " bad", wherever it is asked for.
    """
    device = next(model.parameters()).device
    parts = batches(rows, model.sizes.context)
    whole = sum(weights[:, 1:].sum() for _, weights, _, _ in parts).to(device)
    judged = max(1, sum(max(row.verdicts) != OPEN for row in rows))
    total = 0.0
    for part in parts:
        ids, weights, wanted, verdicts = (tensor.to(device) for tensor in part)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=product_type == torch.bfloat16):
            logits = model(ids[:, :-1])
        logits = logits.float()
        losses = functional.cross_entropy(logits.flatten(0, 1), wanted[:, 1:].flatten(), reduction="none")
        loss = (losses * weights[:, 1:].flatten()).sum() / whole
        asked = verdicts[:, :-1] != OPEN
        if asked.any():
            good, bad = (logits[..., token] for token in verdict_tokens(tokenizer))
            differences = (good - bad)[asked]
            loss = loss + functional.binary_cross_entropy_with_logits(
                differences, verdicts[:, :-1][asked], reduction="sum") / judged
        loss.backward()
        total += loss.item()
    return total


def verdict_tokens(tokenizer) -> list[int]:
    """The tokens of " good" and " bad"."""
    return [tokenizer.encode(f" {word}", at_start=False)[0] for word in (data.GOOD, data.BAD)]


def grown(start: dict[str, Tensor], model: LlamaModel, on_top: bool) -> dict[str, Tensor]:
    """The weights of a model with fewer layers, spread over this one's, or all below the new ones if these come on top; the
    new layers add nothing at first."""
    layers = {name.split(".")[1] for name in start if name.startswith("blocks.")}
    old, new = len(layers), model.sizes.layers
    places = list(range(old)) if on_top else [round(layer * (new - 1) / (old - 1)) for layer in range(old)]
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


@torch.no_grad()
def look_back(model: LlamaModel, layer: int, rows: list[Row]) -> None:
    """Starts a layer with heads that read what the layers below say at the token before: there they predict this one, and a judge
    compares. Training from random heads did not find that in 700 steps.

    Least squares find the direction m along which all normed states x are alike, m x = 1. With query = (c, 0) and key = c (cos f,
    sin f) times m x, for the pair of channels that turns by the angle f a token, the score of the token d back is the sum of
    c^2 cos((d - 1) f) over the pairs.
    """
    block, states = model.blocks[layer], []
    for ids, _, _, _ in batches(rows, model.sizes.context):
        time, x = ids.shape[1], model.embedding(ids)
        for lower in model.blocks[:layer]:
            x = lower(x, model.rotation[:time], model.mask[:time, :time])
        states.append(block.attention_norm(x)[:, 1:].flatten(0, 1))
    states = torch.cat(states)
    along = LOOK_BACK_SCALE * torch.linalg.solve(states.T @ states + torch.eye(states.shape[1]), states.sum(0))
    turns = model.rotation[1].repeat(model.sizes.heads)
    for matrix, factors in ((block.query, torch.ones_like(turns)), (block.key, turns)):
        matrix.weight.copy_(torch.outer(torch.view_as_real(factors).flatten(), along))
    block.value.weight.copy_(torch.eye(len(along)))


def freeze(model: LlamaModel, layers: int) -> None:
    """Leaves the embedding and the lowest layers as they are."""
    for part in (model.embedding, *model.blocks[:layers]):
        part.requires_grad_(False)


def start_weights(name: str, directory: Path) -> dict[str, Tensor]:
    """Those of the model that another one goes on from: its checkpoint, or the shipped model where there is none."""
    checkpoint = directory / f"{name}.pt"
    return torch.load(checkpoint, map_location="cpu")["model"] if checkpoint.exists() else stored_weights.shipped(name)


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
    parser.add_argument("--refine", type=int, metavar="STEPS", help="go on from the shipped model for so many steps")
    parser.add_argument("--rate", type=float, help="part of the usual learning rates (default: the recipe's)")
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
    answered = data.read_answers(arguments.directory / "answers.jsonl") if recipe.diet.judged else []
    generator = data.Generator(recipe.diet, seed, answered)
    model = LlamaModel(recipe.sizes).to(device)
    rate = arguments.rate or recipe.rate
    step, loss_average, tokens, stages, saved = 0, 0.0, 0, [], None
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device)
        model.load_state_dict(saved["model"])
        step, loss_average, tokens, stages = saved["step"], saved["loss"], saved["tokens"], saved["stages"]
    elif arguments.refine is not None:
        model.load_state_dict(stored_weights.shipped(name))
        known = stored_weights.manifest_entry(name)
        step, tokens, stages = known["steps"], known["trainingTokens"], known["stages"]
    elif recipe.start is not None:
        model.load_state_dict(grown(start_weights(recipe.start, arguments.directory), model, recipe.on_top))
        if recipe.on_top:
            random_source = Random(f"{seed}/{name}")
            rows = [row for _ in range(8) for row in rows_of_step(generator, tokenizer, False, random_source)]
            look_back(model, RECIPES[recipe.start].sizes.layers, rows)
    if not stages or (step == stages[-1]["until"] and arguments.refine is not None):
        stages = stages + [{"until": step + (arguments.refine or recipe.steps), "rate": rate}]
    first, last = stages[-2]["until"] if len(stages) > 1 else 0, stages[-1]["until"]
    if recipe.on_top and first == 0:
        freeze(model, RECIPES[recipe.start].sizes.layers)
    optimizers = optimizers_of(model, rate, product_type)
    peaks = [optimizer.param_groups[0]["lr"] for optimizer in optimizers]
    if saved is not None and step > first:
        for optimizer, state in zip(optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)
    print(f"{name}: {sum(weight.numel() for weight in model.parameters())} parameters, steps {step} to {last}", flush=True)

    started, started_tokens = time.time(), tokens
    while step < last:
        random_source = Random(f"{seed}/{name}/{step}")
        rows = rows_of_step(generator, tokenizer, first > 0 or step >= CUT_FROM * last, random_source)
        for optimizer, peak in zip(optimizers, peaks):
            optimizer.param_groups[0]["lr"] = peak * rate_at(step - first, last - first)
            optimizer.zero_grad(set_to_none=True)
        loss = train_step(model, rows, tokenizer, product_type)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        step += 1
        tokens += sum(len(row.ids) for row in rows)
        loss_average = loss if step == first + 1 else 0.98 * loss_average + 0.02 * loss
        if step % LOG_EVERY == 0:
            speed = (tokens - started_tokens) / (time.time() - started)
            print(f"step {step} loss {loss_average:.4f} tokens/s {speed:.0f}", flush=True)
        if step % CHECKPOINT_EVERY == 0 or step == last:
            save(checkpoint, {
                "model": model.state_dict(), "optimizers": [optimizer.state_dict() for optimizer in optimizers], "step": step,
                "loss": loss_average, "tokens": tokens, "stages": stages,
            })


if __name__ == "__main__":
    main()
