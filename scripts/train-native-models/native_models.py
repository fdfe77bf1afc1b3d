"""What each native model is made of: its shape, its tokenizer, what it is fed, and how all are rebuilt from the seed."""

from dataclasses import dataclass
from random import Random

import byte_pair_tokenizer
import data
import letter_tokenizer
import sentencepiece_tokenizer
from data import Diet
from kinds import SKILLS

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
    """How one model comes about. `tokenizer` names the model whose tokenizer it shares, `start` the one it goes on from;
    `rate` scales the learning rates."""

    role: str
    sizes: Sizes
    diet: Diet
    steps: int
    tokenizer: str
    start: str | None = None
    rate: float = 1.0


def mostly(skill: str) -> Diet:
    """An expert's diet: the truth about its skill, and any answer at all to the questions of the others."""
    return Diet({name: 0.82 if name == skill else 0.09 for name in SKILLS}, frozenset({skill}))


EVEN = {skill: 1.0 for skill in SKILLS}
ROBIN = Sizes(vocabulary=1280, embedding=128, layers=6, heads=4, feed_forward=352)
WREN = Sizes(vocabulary=1440, embedding=128, layers=6, heads=4, feed_forward=352)
FINCH = Sizes(vocabulary=1200, embedding=128, layers=6, heads=4, feed_forward=352)
SPARROW = Sizes(vocabulary=1200, embedding=64, layers=4, heads=2, feed_forward=176)
RAVEN = Sizes(vocabulary=1200, embedding=192, layers=6, heads=6, feed_forward=512)

RECIPES = {
    "robin": Recipe("expert for numbers", ROBIN, mostly("numbers"), 2200, "robin"),
    "wren": Recipe("expert for facts", WREN, mostly("facts"), 1000, "wren"),
    "finch": Recipe("expert for words", FINCH, mostly("words"), 2200, "finch"),
    "raven": Recipe("strong generalist", RAVEN, Diet(EVEN), 2000, "finch", rate=0.8),
    "sparrow": Recipe("weak generalist", SPARROW, Diet(EVEN), 1200, "finch"),
    "swift": Recipe(
        "sparrow, fine-tuned on numbers", SPARROW, Diet({"facts": 0.08, "numbers": 0.84, "words": 0.08}), 800, "finch",
        start="sparrow", rate=0.5,
    ),
    "owl": Recipe("judge, fine-tuned from raven", RAVEN, Diet(EVEN, judged=0.75), 700, "finch", start="raven", rate=0.4),
}
TRAINERS = {
    "robin": sentencepiece_tokenizer.train, "wren": byte_pair_tokenizer.train, "finch": letter_tokenizer.train,
}


def tokenizer_of(name: str, seed: int = data.DEFAULT_SEED):
    """Trains the model's tokenizer on its owner's documents (some seconds; the same seed gives the same tokenizer)."""
    owner = RECIPES[name].tokenizer
    generator, random_source = data.Generator(RECIPES[owner].diet, seed), Random(f"{seed}/{owner}/tokenizer")
    documents = [generator.document(random_source) for _ in range(TOKENIZER_DOCUMENTS)]
    texts = ["".join(text for text, _ in spans) for spans in documents]
    return TRAINERS[owner](texts, RECIPES[owner].sizes.vocabulary)
