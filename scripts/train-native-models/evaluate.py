"""Measures a trained model: loss on fresh documents, greedy accuracy on held-out questions, accuracy as a judge."""

import math
from random import Random

import torch
from torch import Tensor
from torch.nn import functional

import data
from kinds import SKILLS
from model import LlamaModel
from train import batches, document_row

FRESH_DOCUMENTS = 400
LONGEST_ANSWER = 40


@torch.no_grad()
def loss(model: LlamaModel, tokenizer, generator: data.Generator, seed: int) -> dict[str, float]:
    """Nats per token and bits per byte over documents of a stream that training never draws from, all tokens alike."""
    random_source = Random(f"{seed}/validation")
    documents = [generator.document(random_source) for _ in range(FRESH_DOCUMENTS)]
    rows = [document_row([(text, 1.0) for text, _ in spans], tokenizer) for spans in documents]
    total, tokens = 0.0, 0
    for ids, weights in batches(rows, model.sizes.context):
        losses = functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
        total += (losses * weights[:, 1:].flatten()).sum().item()
        tokens += int(weights[:, 1:].sum())
    size = sum(len(text.encode()) for spans in documents for text, _ in spans)
    return {"nats per token": round(total / tokens, 4), "bits per byte": round(total / math.log(2) / size, 4)}


def prompt_ids(tokenizer, text: str) -> list[int]:
    return ([] if tokenizer.begin is None else [tokenizer.begin]) + tokenizer.encode(text)


@torch.no_grad()
def answers(model: LlamaModel, tokenizer, questions: list[str]) -> list[str]:
    """The greedy answer to every question in the models' own format."""
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
        token = next_token(model, ids[rows, : int(places[rows].max())], places[rows] - 1)
        going[rows] = token != tokenizer.end
        kept = rows[token != tokenizer.end]
        ids[kept, places[kept]] = token[token != tokenizer.end]
        places[kept] += 1
    return [tokenizer.decode(ids[row, lengths[row] : places[row]].tolist()).strip() for row in range(len(prompts))]


def next_token(model: LlamaModel, ids: Tensor, last: Tensor) -> Tensor:
    """The most probable token after place `last` of every row."""
    return model(ids)[torch.arange(len(ids)), last].argmax(-1)


def accuracy(questions: list[dict], given: list[str]) -> dict[str, float]:
    """The share of right answers by skill and over all."""
    right = {skill: [] for skill in SKILLS}
    for line, answer in zip(questions, given, strict=True):
        right[line["skill"]].append(data.is_correct(answer, line["answers"]))
    shares = {skill: sum(hits) / len(hits) for skill, hits in right.items()}
    return {skill: round(share, 4) for skill, share in (shares | {"all": sum(shares.values()) / len(shares)}).items()}


@torch.no_grad()
def judge_accuracy(model: LlamaModel, tokenizer, questions: list[dict], given: list[str]) -> float:
    """The share of answers of other models on which the more probable of both judgements is the true one."""
    verdicts = [tokenizer.encode(f" {word}", at_start=False)[0] for word in (data.GOOD, data.BAD)]
    hits = 0
    for line, answer in zip(questions, given, strict=True):
        ids = prompt_ids(tokenizer, data.judged(line["question"], answer))
        good, bad = model(torch.tensor([ids]))[0, -1, verdicts].tolist()
        hits += (good > bad) == data.is_correct(answer, line["answers"])
    return hits / len(questions)
