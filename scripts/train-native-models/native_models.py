"""What each native model is made of: its sizes, its tokenizer, and how both are rebuilt from the seed."""

import random
from dataclasses import dataclass

import byte_pair_tokenizer
import data
import sentencepiece_tokenizer

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


SIZES = {
    "robin": Sizes(vocabulary=1024, embedding=128, layers=5, heads=4, feed_forward=352),
    "wren": Sizes(vocabulary=1800, embedding=160, layers=4, heads=5, feed_forward=432),
}
TRAINERS = {"robin": sentencepiece_tokenizer.train, "wren": byte_pair_tokenizer.train}


def tokenizer_of(name: str, seed: int = data.DEFAULT_SEED):
    """Trains the model's tokenizer on its own documents (some seconds; the same seed gives the same tokenizer)."""
    generator, random_source = data.Generator(name, seed), random.Random(f"{seed}/{name}/tokenizer")
    documents = [generator.document(random_source) for _ in range(TOKENIZER_DOCUMENTS)]
    texts = ["".join(text for text, _ in spans) for spans in documents]
    return TRAINERS[name](texts, SIZES[name].vocabulary)
