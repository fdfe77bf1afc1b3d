"""Measures a trained model: loss on fresh documents and greedy accuracy on the held-out questions, per half."""

import math
import random

import torch
from torch.nn import functional

import data
import world
from model import LlamaModel
from train import IGNORED, document_ids

FRESH_DOCUMENTS = 500
LONGEST_ANSWER = 24


@torch.no_grad()
def loss(model: LlamaModel, tokenizer, generator: data.Generator, seed: int) -> dict[str, float]:
    """Nats per token and bits per byte over documents of a stream that training never draws from."""
    random_source = random.Random(f"{seed}/validation")
    total, tokens, size = 0.0, 0, 0
    for _ in range(FRESH_DOCUMENTS):
        spans = generator.document(random_source)
        ids, targets = document_ids(spans, tokenizer)
        logits = model(torch.tensor([ids]))[0, :-1]
        wanted = torch.tensor(targets[1:])
        total += functional.cross_entropy(logits, wanted, ignore_index=IGNORED, reduction="sum").item()
        tokens += int((wanted != IGNORED).sum())
        size += sum(len(text.encode()) for text, trained in spans if trained)
    return {"nats per token": round(total / tokens, 4), "bits per byte": round(total / math.log(2) / size, 4)}


@torch.no_grad()
def answer(model: LlamaModel, tokenizer, question: str) -> str:
    """The greedy answer to one question in the models' own format."""
    ids = [] if tokenizer.begin is None else [tokenizer.begin]
    ids += tokenizer.encode(data.turn(question, "").rstrip())
    produced: list[int] = []
    while len(produced) < LONGEST_ANSWER:
        token = int(model(torch.tensor([ids + produced]))[0, -1].argmax())
        if token == tokenizer.end:
            break
        produced.append(token)
    return tokenizer.decode(produced).strip()


def accuracy(model: LlamaModel, tokenizer, questions: list[dict]) -> dict[str, float]:
    """The share of right answers to the questions of each owner's half."""
    result = {}
    for owner in world.OWNERS:
        half = [line for line in questions if line["known_by"] == owner]
        right = sum(data.is_correct(answer(model, tokenizer, line["question"]), line["answers"]) for line in half)
        result[f"{owner} half"] = round(right / len(half), 4)
    return result
