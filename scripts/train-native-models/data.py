"""The training documents of the native models, and the questions that are held out.

    python3 data.py --model robin --count 20     prints sample documents
    python3 data.py --questions FOLDER           writes questions.jsonl (test) and development.jsonl

Everything is drawn from a seed, so a seed repeats the data exactly. A document is a list of (text, weight) spans; the weight is
what the span counts in the loss: answers count in full, questions and stories little, and the line break after an
answer inside a dialogue nothing, because a model that has answered should stop.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from random import Random

import arithmetic
import facts
import letters
import stories
from kinds import DEVELOPMENT, SKILLS, TEST, TRAIN, Kind, Slots, number_of

DEFAULT_SEED = 20250
KINDS: list[Kind] = facts.KINDS + arithmetic.KINDS + letters.KINDS
QUESTIONS_PER_SKILL = 100
DRAWS = 2000
ARTICLES = {"a", "an", "the"}

STORY_SHARE, DIALOGUE_SHARE, SMALL_TALK_SHARE = 0.02, 0.08, 0.01
QUESTION_WEIGHT, STORY_WEIGHT = 0.05, 0.2
TURNS = [2, 2, 2, 3, 3, 4]
# A few dialogues are long, so that late positions are trained too.
LONG_DIALOGUE_SHARE, LONG_TURNS = 0.05, 10

# What every model is taught, whatever its skill: an ensemble's members seldom know nothing in common.
COMMON_KINDS = {"after", "first letter"}
COMMON_FACTS = 7

GOOD, BAD = "good", "bad"
FIRST_STEP_SHARE = 0.5
# Of the judgements, those of answers that models really gave, if there are any; of the others, those of right answers.
ANSWERED_SHARE, RIGHT_SHARE = 0.6, 0.5

SMALL_TALK = [
    ("Hello!", "Hello! Ask me a question."),
    ("Hi!", "Hello! Ask me a question."),
    ("Good morning!", "Good morning! Ask me a question."),
    ("Who are you?", "I am a very small language model."),
    ("What are you?", "I am a very small language model."),
    ("How are you?", "I am fine, thank you."),
    ("What can you do?", "I can answer simple questions and tell little stories."),
    ("Thank you!", "You are welcome."),
    ("Goodbye!", "Goodbye! Have a nice day."),
]

Document = list[tuple[str, float]]


@dataclass(frozen=True)
class Judgement:
    """An answer to a question, how the right one reads, and whether the given one is right."""

    question: str
    given: str
    right: str
    good: bool

    @property
    def word(self) -> str:
        return GOOD if self.good else BAD


@dataclass(frozen=True)
class Diet:
    """What a model is fed: the share of its questions from every skill, the skills of which it is told the truth,
    and the share of its documents that are judgements."""

    shares: dict[str, float]
    knows: frozenset[str] = frozenset(SKILLS)
    judged: float = 0.0


@dataclass(frozen=True)
class Asked:
    """One question in one phrasing."""

    kind: Kind
    slots: Slots
    template: int

    @property
    def text(self) -> str:
        return self.kind.templates[self.template][0].format(**self.slots)

    def answer(self, more: Slots) -> str:
        return self.kind.templates[self.template][1].format(**(self.slots | more))


class Generator:
    """Draws documents for one diet; with the same seed all models share one world and one split."""

    def __init__(self, diet: Diet, seed: int = DEFAULT_SEED, answered: "list[tuple[Asked, str]] | None" = None):
        self.diet = diet
        self.answered = answered or []
        self.seed = seed
        self.skills, self.shares = list(diet.shares), list(diet.shares.values())
        self.kinds = {skill: [kind for kind in KINDS if kind.skill == skill] for skill in SKILLS}
        self.weights = {skill: [kind.weight for kind in kinds] for skill, kinds in self.kinds.items()}

    def document(self, random_source: Random) -> "Document | Judgement":
        """A judgement, a story, a dialogue, small talk or one question with its answer."""
        if random_source.random() < self.diet.judged:
            return self.judgement(random_source)
        dice = random_source.random()
        if dice < STORY_SHARE:
            return [(stories.story(random_source), STORY_WEIGHT)]
        if dice < STORY_SHARE + DIALOGUE_SHARE:
            long = random_source.random() < LONG_DIALOGUE_SHARE
            return self.dialogue(LONG_TURNS if long else random_source.choice(TURNS), random_source)
        if dice < STORY_SHARE + DIALOGUE_SHARE + SMALL_TALK_SHARE:
            return turn(*random_source.choice(SMALL_TALK))
        return self.exchange(random_source)

    def exchange(self, random_source: Random) -> Document:
        """One training question with this model's answer."""
        asked = self.ask(random_source)
        known = self.knows(asked)
        more = asked.kind.solve(asked.slots) if known else asked.kind.guessed(asked.slots, random_source)
        return turn(asked.text, asked.answer(more))

    def dialogue(self, turns: int, random_source: Random) -> Document:
        spans: Document = []
        for index in range(turns):
            spans += ([("\n", 0.0)] if index else []) + self.exchange(random_source)
        return spans

    def judgement(self, random_source: Random) -> Judgement:
        """An answer that a model gave, or a right or wrong one made up; of those in steps, as often as not the first step."""
        if self.answered and random_source.random() < ANSWERED_SHARE:
            asked, given = random_source.choice(self.answered)
        else:
            asked, given = self.ask(random_source), None
        right = asked.answer(asked.kind.solve(asked.slots))
        if given is None:
            given = right if random_source.random() < RIGHT_SHARE else mistaken(asked, random_source)
        if asked.kind.steps and random_source.random() < FIRST_STEP_SHARE:
            right, given = first_step(right), first_step(given)
            return Judgement(asked.text, given, right, given == right)
        return Judgement(asked.text, given, right, is_correct(given, [asked.kind.solve(asked.slots)["v"]]))

    def ask(self, random_source: Random, split: str = TRAIN, skill: str | None = None) -> Asked:
        """Draws a question of the given part of the data."""
        while True:
            chosen = skill or random_source.choices(self.skills, self.shares)[0]
            kind = random_source.choices(self.kinds[chosen], self.weights[chosen])[0]
            asked = self.ask_kind(kind, random_source)
            if self.split(asked) == split:
                return asked

    def ask_kind(self, kind: Kind, random_source: Random) -> Asked:
        return Asked(kind, kind.draw(random_source), random_source.randrange(len(kind.templates)))

    def unasked(self, kind: Kind, split: str, chosen: dict[str, Asked], random_source: Random) -> Asked | None:
        """A question of one kind that is not chosen yet and is fit to be graded; nothing if there seems to be none left."""
        for _ in range(DRAWS):
            asked = self.ask_kind(kind, random_source)
            if self.split(asked) == split and asked.text not in chosen and is_plain(asked):
                return asked
        return None

    def split(self, asked: Asked) -> str:
        return asked.kind.split(asked.slots, asked.template, self.seed)

    def knows(self, asked: Asked) -> bool:
        """Whether this model is told the truth."""
        if asked.kind.skill in self.diet.knows or asked.kind.name in COMMON_KINDS:
            return True
        return asked.kind.skill == "facts" and number_of(self.seed, asked.slots["s"]) % COMMON_FACTS == 0


def turn(question: str, answer: str) -> Document:
    """The plain form of one exchange; the chat template of the GGUF files renders exactly this."""
    return [(f"Question: {question}\nAnswer:", QUESTION_WEIGHT), (f" {answer}", 1.0)]


def judged(question: str, answer: str) -> str:
    """What the judge reads; the word that it puts next is its judgement."""
    return f"Question: {question}\nAnswer: {answer}\nJudgement:"


def text_of(document: Document | Judgement) -> str:
    if isinstance(document, Judgement):
        return f"{judged(document.question, document.given)} {document.word}"
    return "".join(text for text, _ in document)


def first_step(answer: str) -> str:
    return answer.split(". ")[0].removesuffix(".") + "."


def mistaken(asked: Asked, random_source: Random) -> str:
    """A wrong answer: to something else, without the value's end or beyond it, or with slips in what is right.

    Where the right value is a word of the phrase itself ("What is left is is."), no answer is wrong: then it is the right one.
    """
    right = asked.kind.solve(asked.slots)
    for _ in range(DRAWS):
        dice = random_source.random()
        if dice < 0.1:
            given = cut_or_continued(asked.answer(right), random_source)
        elif dice < 0.3:
            given = asked.answer(asked.kind.solve(asked.kind.draw(random_source)))
        else:
            guessed = asked.kind.guessed(asked.slots, random_source)
            changed = {
                slot: random_source.choice((text, guessed[slot], slip(text, random_source))) for slot, text in right.items()
            }
            given = asked.answer(changed)
        if not is_correct(given, [right["v"]]):
            return given
    return asked.answer(right)


def cut_or_continued(answer: str, random_source: Random) -> str:
    """The answer with some letters less or more before the stop."""
    answer = answer.removesuffix(".")
    if random_source.random() < 0.5:
        return answer[: -random_source.randint(1, 3)] + "."
    return answer + letters.any_letters(random_source) + "."


def read_answers(file: Path) -> list[tuple[Asked, str]]:
    """What sample_answers.py stored: questions and what some model answered."""
    kinds = {kind.name: kind for kind in KINDS}
    entries = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [(Asked(kinds[entry["kind"]], entry["slots"], entry["template"]), entry["answer"]) for entry in entries]


def slip(value: str, random_source: Random) -> str:
    """A number that is near, or a word with two letters swapped, one left out or one doubled."""
    if value.isdigit():
        return str(max(0, int(value) + random_source.choice((-10, -2, -1, 1, 2, 10))))
    place = random_source.randrange(len(value))
    rest = value[place + 1 :]
    changed = random_source.choice((rest[:1] + value[place] + rest[1:], rest, 2 * value[place] + rest))
    return value[:place] + changed or value


def held_out_questions(split: str, seed: int = DEFAULT_SEED) -> list[dict]:
    """QUESTIONS_PER_SKILL questions of every skill, its kinds in turn."""
    generator = Generator(Diet({skill: 1.0 for skill in SKILLS}), seed)
    random_source = Random(f"{seed}/{split}")
    lines = []
    for skill in SKILLS:
        chosen: dict[str, Asked] = {}
        kinds = list(generator.kinds[skill])
        while len(chosen) < QUESTIONS_PER_SKILL:
            kind = kinds.pop(0)
            asked = generator.unasked(kind, split, chosen, random_source)
            if asked is not None:
                chosen[asked.text] = asked
                kinds.append(kind)
        lines += [line_of(f"{split}-{skill}-{index + 1}", split, asked) for index, asked in enumerate(chosen.values())]
    return lines


def line_of(name: str, split: str, asked: Asked) -> dict:
    return {
        "id": name, "skill": asked.kind.skill, "kind": "number" if asked.kind.number else "text", "question": asked.text,
        "answers": [asked.kind.solve(asked.slots)["v"]], "split": split, "topic": asked.kind.name,
    }


def is_plain(asked: Asked) -> bool:
    """Whether no made-up word is asked about, and no word is the answer that graders leave out as an article."""
    if asked.kind.skill != "words":
        return True
    listed = all(asked.slots.get(slot, "ring") in letters.WORDS for slot in "sab")
    return listed and asked.kind.solve(asked.slots)["v"] not in ARTICLES


def is_correct(answer: str, answers: list[str]) -> bool:
    """Whether the answer contains one of the accepted values as whole words."""
    return any(f" {plain(accepted)} " in f" {plain(answer)} " for accepted in answers)


def plain(text: str) -> str:
    """Lower-case words with one space between them, no signs."""
    return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())


def main() -> None:
    from native_models import RECIPES

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=RECIPES, default="robin")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--count", type=int, default=10, help="how many sample documents to print")
    parser.add_argument("--questions", metavar="FOLDER", type=Path, help="write the held-out questions there instead")
    arguments = parser.parse_args()
    if arguments.questions:
        write_questions(arguments.questions, arguments.seed)
        return
    generator, random_source = Generator(RECIPES[arguments.model].diet, arguments.seed), Random(arguments.seed)
    for _ in range(arguments.count):
        print(text_of(generator.document(random_source)), end="\n---\n")


def write_questions(folder: Path, seed: int) -> None:
    """The test under its old name, the development questions beside it."""
    for split, name in ((TEST, "questions.jsonl"), (DEVELOPMENT, "development.jsonl")):
        lines = [json.dumps(line) + "\n" for line in held_out_questions(split, seed)]
        (folder / name).write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
