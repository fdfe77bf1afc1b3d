"""Measures a trained model: loss on fresh documents, greedy accuracy on held-out questions, accuracy as a judge.

    python3 evaluate.py --model owl --directory build     on the development questions, also while it trains
"""

import argparse
import json
import math
from pathlib import Path
from random import Random

import torch
from torch import Tensor
from torch.nn import functional

import data
from kinds import DEVELOPMENT, SKILLS
from model import LlamaModel
from native_models import RECIPES, tokenizer_of
from train import batches, document_row, start_weights, verdict_tokens

FRESH_DOCUMENTS = 400
LONGEST_ANSWER = 40


@torch.no_grad()
def loss(model: LlamaModel, tokenizer, generator: data.Generator, seed: int) -> dict[str, float]:
    """Nats per token and bits per byte over documents of a stream that training never draws from, all tokens alike."""
    random_source = Random(f"{seed}/validation")
    documents = [data.text_of(generator.document(random_source)) for _ in range(FRESH_DOCUMENTS)]
    rows = [document_row([(text, 1.0)], tokenizer) for text in documents]
    total, tokens = 0.0, 0
    for ids, weights, _, _ in batches(rows, model.sizes.context):
        losses = functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
        total += (losses * weights[:, 1:].flatten()).sum().item()
        tokens += int(weights[:, 1:].sum())
    size = sum(len(text.encode()) for text in documents)
    return {"nats per token": round(total / tokens, 4), "bits per byte": round(total / math.log(2) / size, 4)}


def prompt_ids(tokenizer, text: str) -> list[int]:
    return ([] if tokenizer.begin is None else [tokenizer.begin]) + tokenizer.encode(text)


@torch.no_grad()
def answers(model: LlamaModel, tokenizer, questions: list[str], sampled: bool = False) -> list[str]:
    """The answer to every question in the models' own format: greedy, or drawn from what the model says."""
    prompts = [prompt_ids(tokenizer, data.turn(question, "")[0][0]) for question in questions]
    lengths = torch.tensor([len(prompt) for prompt in prompts])
    ids = torch.zeros(len(prompts), int(lengths.max()) + LONGEST_ANSWER, dtype=torch.long)
    for row, prompt in enumerate(prompts):
        ids[row, : len(prompt)] = torch.tensor(prompt)
    places = lengths.clone()
    going = torch.ones(len(prompts), dtype=torch.bool)
    for _ in range(LONGEST_ANSWER):
        rows = going.nonzero().flatten()
        if len(rows) == 0:
            break
        token = next_token(model, ids[rows, : int(places[rows].max())], places[rows] - 1, sampled)
        going[rows] = token != tokenizer.end
        kept = rows[token != tokenizer.end]
        ids[kept, places[kept]] = token[token != tokenizer.end]
        places[kept] += 1
    return [tokenizer.decode(ids[row, lengths[row] : places[row]].tolist()).strip() for row in range(len(prompts))]


def next_token(model: LlamaModel, ids: Tensor, last: Tensor, sampled: bool) -> Tensor:
    """The most probable token after place `last` of every row, or one drawn by its probability."""
    logits = model(ids)[torch.arange(len(ids)), last]
    return torch.multinomial(logits.softmax(-1), 1).flatten() if sampled else logits.argmax(-1)


def accuracy(questions: list[dict], given: list[str]) -> dict[str, float]:
    """The share of right answers by skill and over all."""
    right = {skill: [] for skill in SKILLS}
    for line, answer in zip(questions, given, strict=True):
        right[line["skill"]].append(data.is_correct(answer, line["answers"]))
    shares = {skill: sum(hits) / len(hits) for skill, hits in right.items()}
    return {skill: round(share, 4) for skill, share in (shares | {"all": sum(shares.values()) / len(shares)}).items()}


def stored_model(name: str, directory: Path) -> LlamaModel:
    """The model with its weights as they are stored (F16), from its checkpoint or else as it is shipped."""
    stored = start_weights(name, directory)
    model = LlamaModel(RECIPES[name].sizes).eval()
    model.load_state_dict({key: weight.half().float() if weight.dim() > 1 else weight for key, weight in stored.items()})
    return model


def answers_of(name: str, split: str, directory: Path, seed: int) -> list[str]:
    """A model's greedy answers to the held-out questions, from the file that an earlier call left."""
    file = directory / f"{name}.{split}.json"
    checkpoint = directory / f"{name}.pt"
    if not file.exists() or (checkpoint.exists() and checkpoint.stat().st_mtime > file.stat().st_mtime):
        questions = [line["question"] for line in data.held_out_questions(split, seed)]
        given = answers(stored_model(name, directory), tokenizer_of(name), questions)
        file.write_text(json.dumps(given, indent=1), encoding="utf-8")
    return json.loads(file.read_text(encoding="utf-8"))


@torch.no_grad()
def judge_margins(model: LlamaModel, tokenizer, questions: list[dict], given: list[str]) -> list[float]:
    """For every answer, how much more probable " good" is than " bad" as its judgement, in nats."""
    good, bad = verdict_tokens(tokenizer)
    margins = []
    for line, answer in zip(questions, given, strict=True):
        ids = prompt_ids(tokenizer, data.judged(line["question"], answer))
        logits = model(torch.tensor([ids]))[0, -1]
        margins.append((logits[good] - logits[bad]).item())
    return margins


@torch.no_grad()
def likelihoods(model: LlamaModel, tokenizer, questions: list[dict], given: list[str]) -> list[float]:
    """The log-probability of every answer, with its end, after its question."""
    result = []
    for line, answer in zip(questions, given, strict=True):
        before = prompt_ids(tokenizer, f"Question: {line['question']}\nAnswer:")
        ids = torch.tensor(before + tokenizer.encode(f" {answer}", at_start=False) + [tokenizer.end])
        logs = model(ids[None, :-1])[0].log_softmax(-1)[len(before) - 1 :]
        result.append(logs.gather(1, ids[len(before) :, None]).sum().item())
    return result


def rightness(questions: list[dict], given: list[str]) -> list[bool]:
    return [data.is_correct(answer, line["answers"]) for line, answer in zip(questions, given, strict=True)]


def verdict_accuracy(right: list[bool], scores: list[float], threshold: float) -> float:
    """How often it is true of an answer that it is right exactly if its score is above the threshold."""
    return sum((score > threshold) == truth for truth, score in zip(right, scores, strict=True)) / len(right)


def best_threshold(right: list[bool], scores: list[float]) -> float:
    """The one that most answers agree with, halfway between two scores."""
    order = sorted(scores)
    places = [order[0] - 1, *((low + high) / 2 for low, high in zip(order, order[1:]))]
    return max(places, key=lambda place: verdict_accuracy(right, scores, place))


Scored = dict[str, tuple[list[bool], list[float]]]


def scored_answers(name: str, scores_of, split: str, directory: Path, seed: int) -> Scored:
    """For every other model, which of its answers are right and how the named model scores them."""
    model, tokenizer, questions = stored_model(name, directory), tokenizer_of(name), data.held_out_questions(split, seed)
    result = {}
    for other in (other for other, recipe in RECIPES.items() if recipe.diet.judged == 0):
        given = answers_of(other, split, directory, seed)
        result[other] = rightness(questions, given), scores_of(model, tokenizer, questions, given)
    return result


def verdict_accuracies(scored: Scored, threshold: float) -> dict[str, float]:
    result = {name: verdict_accuracy(*parts, threshold) for name, parts in scored.items()}
    return {name: round(share, 4) for name, share in (result | {"all": sum(result.values()) / len(result)}).items()}


def judging(name: str, split: str, directory: Path, seed: int) -> dict[str, float]:
    """How often the judge is right about the answers of every other model."""
    return verdict_accuracies(scored_answers(name, judge_margins, split, directory, seed), 0.0)


def likelihood_judging(name: str, split: str, directory: Path, seed: int) -> dict[str, float]:
    """The same for the likelihood that a model gives to the answers, above one threshold that fits the development answers best."""
    development = scored_answers(name, likelihoods, DEVELOPMENT, directory, seed).values()
    threshold = best_threshold(*(sum(lists, []) for lists in zip(*development)))
    return {"threshold": round(threshold, 4)} | verdict_accuracies(
        scored_answers(name, likelihoods, split, directory, seed), threshold)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=RECIPES, required=True)
    parser.add_argument("--directory", type=Path, default=Path("build"), help="where the checkpoints are")
    parser.add_argument("--seed", type=int, default=data.DEFAULT_SEED)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    name, directory, seed = arguments.model, arguments.directory, arguments.seed
    print(accuracy(data.held_out_questions(DEVELOPMENT, seed), answers_of(name, DEVELOPMENT, directory, seed)))
    if RECIPES[name].diet.judged > 0:
        print(judging(name, DEVELOPMENT, directory, seed))


if __name__ == "__main__":
    main()
