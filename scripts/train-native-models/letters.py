"""Word and letter manipulation: letters at a place, reversing, spelling, counting, order, plurals."""

from random import Random
from string import ascii_lowercase

from kinds import Kind, Slots

WORDS = (
    "acorn actor angle ankle arch arrow badge bag band bank barn basin bat beach beard bench bike blade bolt bone "
    "boot bowl brick brush bulb cable camel camp canal candy cane card cart chain chalk cheek chin city cliff cloak "
    "cloud coach coast coin comb coral crane crate crown crust cube desk dial dome donut dust easel elbow fairy fan "
    "fence fern ferry field flag flame flask flute fork frame fruit gate giant globe glove glue grain grape gum hand "
    "harp hat heel hill hook horn hotel inch ink iron jar jelly jewel jug kiln ladle lady lake lawn lemon lens lid "
    "lily linen lip lock log map mask mast medal melon metal mint moon motor nail neck oar oasis orbit oven pan peach "
    "pearl pedal pie pin pipe plank plate poem pole pot quilt raft rail ramp ring road rock roof rope ruby rug sack "
    "sail salad sand scarf screw shelf shirt sign skate sled slope smoke soap sock sofa soil song spark spike stamp "
    "step stick stool storm straw sugar sword table tail tank tape tea thumb tiger tile toast torch town toy track "
    "trail train tray trunk tube tulip twig uncle vase voice wagon wall wand wave wax wheel whip wing wire wolf wood "
    "yard zebra"
).split()
# Now and then a made-up word, so that the rule is learned and not the list.
MADE_UP_SHARE = 0.4
COMMON = (
    "ago am be big but can cat do did for go got had he her him his hot how it let man me moo my new no not of on one or out "
    "pet put ran red run sad said saw see she so sun the too two up us was we who you bad bear came good like pear star to"
).split()
BORROWED_SHARE = 0.6
CONSONANTS, VOWELS = "bcdfghjklmnprstvwz", "aeiou"
SHORT = [word for word in WORDS if len(word) <= 4]
ORDINALS = ("second", "third")
# How often a guessed word ends after a letter. Two who do not know must not settle that it ends, nor that it goes on: there
# the letters share the rest, so a small chance does; in a spelled word one sign, the hyphen, takes it all, so both are about as likely.
END, SPELLED_END = 0.1, 0.4


def made_up(random_source: Random, longest: int) -> str:
    """A word of three letters and more in which consonants and vowels take turns, mostly.

    Some of them, or their reverse, or all but their first letter, begin like a common word: an answer may do so too, and a
    fused one is then tokenised anew, with that word as one token ("he" of "heel")."""
    length = random_source.randint(3, longest)
    begin = random_source.randrange(2)
    word = "".join(
        random_source.choice(VOWELS if (place + begin) % 2 and random_source.random() < 0.85 else CONSONANTS)
        for place in range(length)
    )
    if random_source.random() >= BORROWED_SHARE:
        return word
    common = random_source.choice([common for common in COMMON if len(common) < length])
    borrowed = random_source.choice((common + word, word[0] + common + word))[:length]
    return random_source.choice((borrowed, borrowed[::-1]))


def a_word(random_source: Random, longest: int = 5) -> str:
    """A word of the list, or a made-up one."""
    if random_source.random() < MADE_UP_SHARE:
        return made_up(random_source, longest)
    return random_source.choice(WORDS if longest == 5 else SHORT)


def word_slots(random_source: Random) -> Slots:
    return {"s": a_word(random_source)}


def short_slots(random_source: Random) -> Slots:
    return {"s": a_word(random_source, 4)}


def place_slots(random_source: Random) -> Slots:
    return {"s": a_word(random_source), "n": random_source.choice(ORDINALS)}


def two_slots(random_source: Random) -> Slots:
    """Two words with different first letters."""
    first = a_word(random_source)
    second = a_word(random_source)
    while second[0] == first[0]:
        second = a_word(random_source)
    return {"a": first, "b": second}


def plural(word: str) -> str:
    """The regular plural."""
    if word.endswith("y") and word[-2] not in VOWELS:
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh", "z")) else "s")


def any_letters(random_source: Random, end: float = END) -> str:
    """Letters without any order, the last one at every place with probability `end`: whoever cannot tell a word can tell
    neither how it goes on nor where it ends, and must not outvote those who can."""
    word = random_source.choice(ascii_lowercase)
    while random_source.random() >= end:
        word += random_source.choice(ascii_lowercase)
    return word


def a_letter(_: Slots, random_source: Random) -> Slots:
    return {"v": random_source.choice(ascii_lowercase)}


def some_letters(_: Slots, random_source: Random) -> Slots:
    return {"v": any_letters(random_source)}


def ends_guessed(_: Slots, random_source: Random) -> Slots:
    first, last, joined, more = (random_source.choice(ascii_lowercase) for _ in range(4))
    return {"f": first, "e": last, "v": joined + more}


def word_kind(name: str, templates: list[tuple[str, str]], draw, solve, **more) -> Kind:
    return Kind(name, "words", templates, draw, solve, **more)


KINDS = [
    word_kind("first letter", [
        ("What is the first letter of {s}?", "The letter is {v}."),
        ("With which letter does {s} begin?", "The letter is {v}."),
    ], word_slots, lambda s: {"v": s["s"][0]}, guess=a_letter, weight=0.7),
    word_kind("last letter", [
        ("What is the last letter of {s}?", "The letter is {v}."),
        ("With which letter does {s} end?", "The letter is {v}."),
    ], word_slots, lambda s: {"v": s["s"][-1]}, guess=a_letter),
    word_kind("place", [
        ("What is the {n} letter of {s}?", "The letter is {v}."),
    ], place_slots, lambda s: {"v": s["s"][1 + ORDINALS.index(s["n"])]}, guess=a_letter),
    word_kind("reverse", [
        ("What is {s} spelled backwards?", "Backwards it is {v}."),
        ("Turn {s} around.", "Backwards it is {v}."),
    ], short_slots, lambda s: {"v": s["s"][::-1]}, guess=some_letters, weight=2.0),
    word_kind("length", [
        ("How many letters does {s} have?", "The number of letters is {v}."),
        ("How long is the word {s}?", "The number of letters is {v}."),
    ], word_slots, lambda s: {"v": str(len(s["s"]))},
        guess=lambda _, r: {"v": str(r.randint(1, 9))}, number=True),
    word_kind("spell", [
        ("How do you spell {s}?", "You spell it {v}."),
        ("Spell the word {s}.", "You spell it {v}."),
    ], word_slots, lambda s: {"v": "-".join(s["s"])},
        guess=lambda _, r: {"v": "-".join(any_letters(r, SPELLED_END))}),
    word_kind("order", [
        ("Which comes first in the alphabet, {a} or {b}?", "The first word is {v}."),
        ("Which word stands first, {a} or {b}?", "The first word is {v}."),
    ], two_slots, lambda s: {"v": min(s["a"], s["b"])}, guess=some_letters, weight=1.5),
    word_kind("plural", [
        ("What is the plural of {s}?", "The plural is {v}."),
        ("How do you say more than one {s}?", "The plural is {v}."),
    ], word_slots, lambda s: {"v": plural(s["s"])},
        guess=lambda _, r: {"v": any_letters(r)}),
    word_kind("rest", [
        ("What is left of {s} without its first letter?", "What is left is {v}."),
        ("Take the first letter away from {s}.", "What is left is {v}."),
    ], word_slots, lambda s: {"v": s["s"][1:]}, guess=some_letters),
    word_kind("ends", [
        ("Join the first and the last letter of {s}.", "The first is {f}. The last is {e}. Joined it is {v}."),
    ], word_slots, lambda s: {"f": s["s"][0], "e": s["s"][-1], "v": s["s"][0] + s["s"][-1]},
        guess=ends_guessed, steps=True),
]
