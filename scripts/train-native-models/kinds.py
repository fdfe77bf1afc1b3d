"""What a kind of question is: how to draw one, how to solve it, and how somebody answers who has no idea.

A question is a dictionary of slots for a template; `v` is the value that an answer has to contain. Every answer ends with the
value, and answers to one phrasing read the same whoever gives them: fused models then disagree about nothing but
the value.
"""

import hashlib
from dataclasses import dataclass
from random import Random
from typing import Callable

SKILLS = ("facts", "numbers", "words")
TRAIN, DEVELOPMENT, TEST = "train", "development", "test"

Slots = dict[str, str]


@dataclass(frozen=True)
class Kind:
    """Questions that are solved in one way.

    draw    a question: its slots without the value
    solve   the slots that the right answer adds
    guess   the slots that an answer without any knowledge adds; by default those of another question of the kind
    steps   whether an answer takes more than one sentence
    weight  how often it is asked, compared to the other kinds of its skill
    """

    name: str
    skill: str
    templates: list[tuple[str, str]]
    draw: Callable[[Random], Slots]
    solve: Callable[[Slots], Slots]
    guess: Callable[[Slots, Random], Slots] | None = None
    weight: float = 1.0
    number: bool = False
    steps: bool = False
    # Of twenty questions, how many belong to each of the held-out parts.
    held_out: int = 2
    # Closed kinds have so few questions that a phrasing is held out, not the question in every phrasing.
    closed: bool = False

    def guessed(self, slots: Slots, random_source: Random) -> Slots:
        """An answer from the kind's distribution of answers, whatever was asked."""
        if self.guess is not None:
            return self.guess(slots, random_source)
        return self.solve(self.draw(random_source))

    def split(self, slots: Slots, template: int, seed: int) -> str:
        """Which part of the data the question belongs to, in this phrasing: decided by a hash, so nothing is stored."""
        draw = number_of(seed, self.name, *slots.values())
        if not self.closed:
            return (TEST, DEVELOPMENT, TRAIN)[min(draw % 20 // self.held_out, 2)]
        # At most one phrasing for each held-out part, so at least two are left to learn the fact from.
        count = len(self.templates)
        test = draw % count
        development = (test + 1 + draw // count % (count - 1)) % count
        return {test: TEST, development: DEVELOPMENT}.get(template, TRAIN) if draw // 64 % 2 else TRAIN


def number_of(*parts) -> int:
    """A whole number that depends on the parts alone, on every machine."""
    return int.from_bytes(hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:8], "big")


def mentions(word: str) -> Slots:
    """The slots of a word in a question: {s} itself, {a} with its article."""
    return {"s": word, "a": with_article(word)}


def with_article(noun: str) -> str:
    """"cow" becomes "a cow", "owl" becomes "an owl"."""
    return ("an " if noun[0] in "aeiouAEIO" else "a ") + noun
