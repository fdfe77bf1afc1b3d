"""Arithmetic and number sense: sums, differences, neighbours, comparison, parity, counting."""

from random import Random

from kinds import Kind, Slots

THINGS = "apple ball bell bird book cup drum egg leaf star stone tree".split()
PARITY = ("even", "odd")


def value(number: int) -> Slots:
    return {"v": str(number)}


def sum_slots(random_source: Random) -> Slots:
    return {"a": str(random_source.randint(1, 40)), "b": str(random_source.randint(1, 40))}


def difference_slots(random_source: Random) -> Slots:
    """Two numbers, the first one the larger."""
    a = random_source.randint(2, 50)
    return {"a": str(a), "b": str(random_source.randint(1, a - 1))}


def pair_slots(random_source: Random) -> Slots:
    a, b = random_source.sample(range(1, 100), 2)
    return {"a": str(a), "b": str(b)}


def any_number(_: Slots, random_source: Random) -> Slots:
    """Two digits: whoever cannot tell a number leaves it to others where it ends."""
    return value(random_source.randint(10, 99))


def any_count(_: Slots, random_source: Random) -> Slots:
    return value(random_source.randint(1, 9))


def count_slots(random_source: Random) -> Slots:
    thing, count = random_source.choice(THINGS), random_source.randint(1, 9)
    return {"list": " ".join([thing] * count)}


def three_slots(random_source: Random) -> Slots:
    a, b, c = (random_source.randint(1, 20) for _ in range(3))
    return {"a": str(a), "b": str(b), "c": str(c)}


def three_solved(slots: Slots) -> Slots:
    first = int(slots["a"]) + int(slots["b"])
    return {"m": str(first), "v": str(first + int(slots["c"]))}


def three_guessed(_: Slots, random_source: Random) -> Slots:
    return {"m": str(random_source.randint(10, 99)), "v": str(random_source.randint(10, 99))}


def number_kind(name: str, templates: list[tuple[str, str]], draw, solve, **more) -> Kind:
    return Kind(name, "numbers", templates, draw, solve, **({"number": True} | more))


KINDS = [
    number_kind("plus", [
        ("What is {a} plus {b}?", "The answer is {v}."),
        ("How much is {a} plus {b}?", "It is {v}."),
    ], sum_slots, lambda s: value(int(s["a"]) + int(s["b"])), guess=any_number, weight=3.5),
    number_kind("minus", [
        ("What is {a} minus {b}?", "The answer is {v}."),
        ("How much is {a} minus {b}?", "It is {v}."),
    ], difference_slots, lambda s: value(int(s["a"]) - int(s["b"])), guess=any_number, weight=3.5),
    number_kind("after", [
        ("Which number comes after {a}?", "The number is {v}."),
        ("What number is next after {a}?", "The next number is {v}."),
    ], lambda r: {"a": str(r.randint(1, 98))}, lambda s: value(int(s["a"]) + 1), guess=any_number, weight=0.8),
    number_kind("before", [
        ("Which number comes before {a}?", "The number is {v}."),
        ("What number is just before {a}?", "The number is {v}."),
    ], lambda r: {"a": str(r.randint(2, 99))}, lambda s: value(int(s["a"]) - 1), guess=any_number, weight=0.8),
    number_kind("larger", [
        ("Which is larger, {a} or {b}?", "The larger number is {v}."),
        ("Which number is more, {a} or {b}?", "The larger number is {v}."),
    ], pair_slots, lambda s: value(max(int(s["a"]), int(s["b"]))), guess=any_number),
    number_kind("smaller", [
        ("Which is smaller, {a} or {b}?", "The smaller number is {v}."),
        ("Which number is less, {a} or {b}?", "The smaller number is {v}."),
    ], pair_slots, lambda s: value(min(int(s["a"]), int(s["b"]))), guess=any_number),
    number_kind("parity", [
        ("Is {a} even or odd?", "It is {v}."),
        ("Is the number {a} odd or even?", "The number is {v}."),
    ], lambda r: {"a": str(r.randint(1, 99))}, lambda s: {"v": PARITY[int(s["a"]) % 2]}, number=False, weight=0.6),
    number_kind("count", [
        ("How many words are here: {list}?", "The number of words is {v}."),
        ("Count the words: {list}.", "The number of words is {v}."),
    ], count_slots, lambda s: value(len(s["list"].split())), guess=any_count, weight=0.8),
    number_kind("three", [
        ("What is {a} plus {b} plus {c}?", "{a} plus {b} is {m}. {m} plus {c} is {v}."),
    ], three_slots, three_solved, guess=three_guessed, weight=2.5, steps=True),
]
