"""What each native model is made of: its shape, its tokenizer, what it is fed.

    python3 native_models.py [robin|wren|finch]     trains the tokenizers anew
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random

import byte_pair_tokenizer
import data
import letter_tokenizer
import sentencepiece_tokenizer
from byte_pair_tokenizer import BytePairTokenizer
from data import Diet
from kinds import SKILLS
from letter_tokenizer import LetterTokenizer
from sentencepiece_tokenizer import SentencePieceTokenizer

TOKENIZER_DOCUMENTS = 20_000


@dataclass(frozen=True)
class Sizes:
    """The shape of a llama model; the feed-forward width is about 2.7 times the embedding."""

    vocabulary: int
    embedding: int
    layers: int
    heads: int
    feed_forward: int
    context: int = 512


@dataclass(frozen=True)
class Recipe:
    """How one model comes about. `tokenizer` names the model whose tokenizer it shares, `start` the one it goes on from,
    with more layers if it has more; `rate` scales the learning rates. `on_top`: the new layers come on top of those of `start`, and
    only they are trained, until the model is refined."""

    role: str
    sizes: Sizes
    diet: Diet
    steps: int
    tokenizer: str
    start: str | None = None
    rate: float = 1.0
    on_top: bool = False


def mostly(skill: str) -> Diet:
    """An expert's diet: the truth about its skill, and any answer at all to the questions of the others."""
    return Diet({name: 0.76 if name == skill else 0.12 for name in SKILLS}, frozenset({skill}))


EVEN = {skill: 1.0 for skill in SKILLS}
ROBIN = Sizes(vocabulary=1280, embedding=128, layers=6, heads=4, feed_forward=352)
WREN = Sizes(vocabulary=1400, embedding=128, layers=6, heads=4, feed_forward=352)
FINCH = Sizes(vocabulary=1200, embedding=128, layers=6, heads=4, feed_forward=352)
SPARROW = Sizes(vocabulary=1200, embedding=64, layers=4, heads=2, feed_forward=176)
RAVEN = Sizes(vocabulary=1200, embedding=128, layers=10, heads=4, feed_forward=352)
OWL = Sizes(vocabulary=1200, embedding=128, layers=13, heads=4, feed_forward=352)

RECIPES = {
    "robin": Recipe("expert for numbers", ROBIN, mostly("numbers"), 3700, "robin"),
    "wren": Recipe("expert for facts", WREN, mostly("facts"), 2600, "wren"),
    "finch": Recipe("expert for words", FINCH, mostly("words"), 4250, "finch"),
    "raven": Recipe(
        "strong generalist, grown from finch", RAVEN, Diet({"facts": 0.3, "numbers": 0.55, "words": 0.15}), 1550, "finch",
        start="finch", rate=0.8,
    ),
    "sparrow": Recipe(
        "weak generalist", SPARROW, Diet({"facts": 0.3, "numbers": 0.36, "words": 0.34}), 1000, "finch",
    ),
    "swift": Recipe(
        "sparrow, fine-tuned on numbers", SPARROW, Diet({"facts": 0.08, "numbers": 0.84, "words": 0.08}), 400, "finch",
        start="sparrow", rate=0.5,
    ),
    "owl": Recipe(
        "judge: raven with layers on top", OWL, Diet(EVEN, judged=0.9), 700, "finch", start="raven", rate=2.0, on_top=True,
    ),
}
TRAINERS = {
    "robin": sentencepiece_tokenizer.train, "wren": byte_pair_tokenizer.train, "finch": letter_tokenizer.train,
}
TOKENIZERS = {
    "robin": SentencePieceTokenizer, "wren": BytePairTokenizer, "finch": LetterTokenizer,
}
FOLDER = Path(__file__).parent / "tokenizers"


def tokenizer_of(name: str):
    """The model's tokenizer, from what its training learned (see train_tokenizer)."""
    owner = RECIPES[name].tokenizer
    return TOKENIZERS[owner](json.loads((FOLDER / f"{owner}.json").read_text(encoding="utf-8")))


def train_tokenizer(owner: str, seed: int = data.DEFAULT_SEED) -> None:
    """Learns the tokenizer from documents of its owner's diet (some seconds) and stores what it learned."""
    generator, random_source = data.Generator(RECIPES[owner].diet, seed), Random(f"{seed}/{owner}/tokenizer")
    documents = [generator.document(random_source) for _ in range(TOKENIZER_DOCUMENTS)]
    texts = [data.text_of(document) for document in documents]
    learned = TRAINERS[owner](texts, RECIPES[owner].sizes.vocabulary)
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in learned)
    (FOLDER / f"{owner}.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:] or TOKENIZERS:
        train_tokenizer(name)
