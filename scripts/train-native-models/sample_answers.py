"""Asks the other models training questions and stores what they answer, for the judge to learn from.

    python3 sample_answers.py --directory build

A checkpoint is asked where there is one, the shipped model otherwise. Half of the answers are greedy, half are sampled: the judge
should meet the mistakes that these models make, also those that they make seldom.
"""

import argparse
import json
from pathlib import Path
from random import Random

import torch

import data
import evaluate
from model import LlamaModel
from native_models import EVEN, RECIPES, tokenizer_of
from train import start_weights

QUESTIONS, AT_ONCE = 800, 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--directory", type=Path, default=Path("build"), help="where the checkpoints are, and answers.jsonl goes")
    parser.add_argument("--seed", type=int, default=data.DEFAULT_SEED)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    arguments.directory.mkdir(parents=True, exist_ok=True)
    generator = data.Generator(data.Diet(EVEN), arguments.seed)
    lines = []
    for name, recipe in RECIPES.items():
        if recipe.diet.judged > 0:
            continue
        model = LlamaModel(recipe.sizes).eval()
        model.load_state_dict(start_weights(name, arguments.directory))
        random_source = Random(f"{arguments.seed}/{name}/answers")
        right = 0
        for start in range(0, QUESTIONS, AT_ONCE):
            asked = [generator.ask(random_source) for _ in range(AT_ONCE)]
            sampled = start >= QUESTIONS // 2
            given = evaluate.answers(model, tokenizer_of(name), [question.text for question in asked], sampled)
            for question, answer in zip(asked, given, strict=True):
                right += data.is_correct(answer, [question.kind.solve(question.slots)["v"]])
                lines.append(json.dumps({
                    "model": name, "kind": question.kind.name, "slots": question.slots, "template": question.template,
                    "answer": answer,
                }))
        print(f"{name}: {right} of {QUESTIONS} answers are right", flush=True)
    (arguments.directory / "answers.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
