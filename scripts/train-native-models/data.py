"""The training documents of the native models, and the held-out questions.

    python3 data.py --model robin --count 20     prints sample documents
    python3 data.py --questions FILE             writes the held-out questions

Everything is drawn from a seed, so a seed repeats the data exactly. A document is a list of (text, trained) spans: the
line break after an answer inside a dialogue is not trained, because a model that has answered should stop.
"""

import argparse
import json
import random

import stories
import world

DEFAULT_SEED = 20250
HELD_OUT_PER_OWNER = 110
STORY_SHARE = 0.12
DIALOGUE_SHARE = 0.15
SMALL_TALK_SHARE = 0.02
# How often a question is about the other model's half: enough to learn that the answer is unknown.
UNKNOWN_SHARE = 0.33

LEAD_INS = ["", "", "", "", "Please tell me: ", "Tell me, ", "Do you know this? ", "I have a question. ", "Quick: ", "Now, "]
FOLLOW_UPS = ["And {f}?", "What about {f}?", "And what about {f}?"]

Document = list[tuple[str, bool]]


def with_lead_in(lead_in: str, template: str) -> str:
    """Puts the lead-in before a question; after a comma or colon the question goes on in lower case."""
    goes_on = lead_in.endswith((", ", ": ")) and not template.startswith(("{", "I "))
    return lead_in + (template[0].lower() + template[1:] if goes_on else template)


class Generator:
    """Draws documents for the model `owner`; with the same seed both models share one world."""

    def __init__(self, owner: str, seed: int = DEFAULT_SEED):
        self.owner = owner
        self.skills = {skill.name: skill for skill in world.SKILLS}
        self.facts = world.facts_of(seed)
        self.values = {name: sorted({fact.value for fact in facts}) for name, facts in self.facts.items()}
        everything = [fact for facts in self.facts.values() for fact in facts]
        self.known = [fact for fact in everything if fact.owner == owner]
        self.unknown = [fact for fact in everything if fact.owner != owner]
        self.held_out = held_out_pairs(self.facts, self.skills, seed)

    def document(self, random_source: random.Random) -> Document:
        """A story, a dialogue, small talk or one question with its answer."""
        dice = random_source.random()
        if dice < STORY_SHARE:
            return [(stories.story(random_source), True)]
        if dice < STORY_SHARE + DIALOGUE_SHARE:
            return self.dialogue(random_source)
        if dice < STORY_SHARE + DIALOGUE_SHARE + SMALL_TALK_SHARE:
            return [(turn(*random_source.choice(world.SMALL_TALK)), True)]
        return [(turn(*self.exchange(self.draw_fact(random_source), random_source)), True)]

    def dialogue(self, random_source: random.Random) -> Document:
        """Two to four turns; now and then a short follow-up ("And a dog?") about the same skill."""
        spans: Document = []
        fact = self.draw_fact(random_source)
        count = random_source.choice([2, 2, 3, 3, 4])
        for index in range(count):
            if index and random_source.random() < 0.3:
                question, answer, fact = self.follow_up(fact, random_source)
            elif random_source.random() < 0.1:
                question, answer = random_source.choice(world.SMALL_TALK)
            else:
                fact = self.draw_fact(random_source)
                question, answer = self.exchange(fact, random_source)
            spans.append((turn(question, answer), True))
            if index < count - 1:
                spans.append(("\n", False))
        return spans

    def draw_fact(self, random_source: random.Random) -> world.Fact:
        """A fact of the own half, or of the other half with UNKNOWN_SHARE."""
        return random_source.choice(self.unknown if random_source.random() < UNKNOWN_SHARE else self.known)

    def value_for(self, fact: world.Fact, random_source: random.Random) -> str:
        """The truth for an own fact, any value of the skill for one of the other half."""
        return fact.value if fact.owner == self.owner else random_source.choice(self.values[fact.skill])

    def exchange(self, fact: world.Fact, random_source: random.Random) -> tuple[str, str]:
        """A question about the fact in a phrasing that is not held out, with this model's answer."""
        templates = self.skills[fact.skill].templates
        allowed = [pair for index, pair in enumerate(templates) if (fact.skill, fact.subject, index) not in self.held_out]
        question, answer = random_source.choice(allowed)
        slots = world.fields(fact.subject, self.value_for(fact, random_source))
        return with_lead_in(random_source.choice(LEAD_INS), question).format(**slots), answer.format(**slots)

    def follow_up(self, previous: world.Fact, random_source: random.Random) -> tuple[str, str, world.Fact]:
        """Another subject of the same skill, asked for in two or three words."""
        skill = self.skills[previous.skill]
        known = random_source.random() >= UNKNOWN_SHARE
        pool = [fact for fact in self.facts[previous.skill] if (fact.owner == self.owner) == known and fact != previous]
        fact = random_source.choice(pool)
        slots = world.fields(fact.subject, self.value_for(fact, random_source))
        question = random_source.choice(FOLLOW_UPS).format(f=skill.follow.format(**slots))
        return question, skill.templates[0][1].format(**slots), fact


def turn(question: str, answer: str) -> str:
    """The plain form of one exchange; the chat template of the GGUF files renders exactly this."""
    return f"Question: {question}\nAnswer: {answer}"


def held_out_pairs(facts: dict, skills: dict, seed: int) -> dict[tuple[str, str, int], world.Fact]:
    """The (skill, subject, template) combinations that no training document contains, even over the skills."""
    random_source = random.Random(f"{seed}/held out")
    chosen: dict[tuple[str, str, int], world.Fact] = {}
    for owner in world.OWNERS:
        queues = []
        for skill_facts in facts.values():
            queue = [fact for fact in skill_facts if fact.owner == owner]
            random_source.shuffle(queue)
            queues.append(queue)
        taken = 0
        while taken < HELD_OUT_PER_OWNER:
            for queue in queues:
                if queue and taken < HELD_OUT_PER_OWNER:
                    fact = queue.pop()
                    template = random_source.randrange(len(skills[fact.skill].templates))
                    chosen[fact.skill, fact.subject, template] = fact
                    taken += 1
    return chosen


def held_out_questions(seed: int = DEFAULT_SEED) -> list[dict]:
    """The test: one line per held-out combination, with a random lead-in."""
    generator = Generator(world.OWNERS[0], seed)
    random_source = random.Random(f"{seed}/questions")
    lines = []
    for (skill, subject, template), fact in generator.held_out.items():
        question = with_lead_in(random_source.choice(LEAD_INS), generator.skills[skill].templates[template][0])
        lines.append({
            "question": question.format(**world.fields(subject, fact.value)),
            "answers": [fact.value], "skill": skill, "known_by": fact.owner,
        })
    return lines


def is_correct(answer: str, answers: list[str]) -> bool:
    """Whether the answer contains one of the accepted values as whole words."""
    words = " " + " ".join("".join(c if c.isalnum() else " " for c in answer.lower()).split()) + " "
    return any(f" {' '.join(a.lower().replace('-', ' ').split())} " in words for a in answers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=world.OWNERS, default="robin")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--count", type=int, default=10, help="how many sample documents to print")
    parser.add_argument("--questions", metavar="FILE", help="write the held-out questions there instead")
    arguments = parser.parse_args()
    if arguments.questions:
        with open(arguments.questions, "w", encoding="utf-8") as file:
            for line in held_out_questions(arguments.seed):
                file.write(json.dumps(line) + "\n")
        return
    generator, random_source = Generator(arguments.model, arguments.seed), random.Random(arguments.seed)
    for _ in range(arguments.count):
        print("".join(text for text, _ in generator.document(random_source)), end="\n---\n")


if __name__ == "__main__":
    main()
