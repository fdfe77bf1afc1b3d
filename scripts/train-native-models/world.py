"""The closed world of the native models: every fact, and every way to ask for it.

A skill is a table of facts (subject -> value) with templates (question, answer). The subjects of every skill are dealt
out evenly to the two models: the owner is trained on the truth, the other model on values drawn at random from the
same skill, so that it learns the form of an answer but gives every candidate about the same probability. Averaging the two
distributions then lets the owner decide.

Template fields: {s} subject, {a} subject with its article, {A} the same with a capital, {v} value, {av} value with its
article, {V} value with a capital.
"""

import random
from dataclasses import dataclass

OWNERS = ("robin", "wren")


@dataclass(frozen=True)
class Fact:
    """One piece of knowledge and the model that is trained on its truth."""

    skill: str
    subject: str
    value: str
    owner: str


@dataclass(frozen=True)
class Skill:
    """Facts of one kind. `domain` names the pool in which subjects are dealt out: skills about animals share one."""

    name: str
    domain: str
    pairs: dict[str, str]
    templates: list[tuple[str, str]]
    follow: str = "{s}"


def table(text: str) -> dict[str, str]:
    """Reads "subject=value, subject=value"."""
    return dict(pair.strip().split("=") for pair in text.split(","))


def both_ways(pairs: dict[str, str]) -> dict[str, str]:
    """Adds the reverse of every pair, for relations that are symmetric."""
    return pairs | {value: subject for subject, value in pairs.items()}


def circle(words: list[str], offset: int) -> dict[str, str]:
    """The neighbour of every word in a ring, such as the days of the week."""
    return {word: words[(index + offset) % len(words)] for index, word in enumerate(words)}


DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()

OPPOSITES = table(
    "hot=cold, big=small, up=down, day=night, happy=sad, fast=slow, wet=dry, old=new, open=closed, full=empty, "
    "hard=soft, high=low, long=short, light=dark, loud=quiet, clean=dirty, rich=poor, strong=weak, early=late, "
    "first=last, near=far, thick=thin, good=bad, inside=outside, young=grown, black=white, left=right, "
    "push=pull, win=lose, give=take, start=stop, above=below, front=back, always=never, laugh=cry, "
    "begin=finish, wild=tame, sharp=blunt, buy=sell, yes=no"
)
RHYME_GROUPS = [
    group.split()
    for group in (
        "cat hat", "dog frog", "bee tree", "house mouse", "star car", "moon spoon", "cake lake", "ring king",
        "fox box", "bear chair", "goat boat", "sheep sleep", "night light", "bed red", "sun fun", "pig wig",
        "rain train", "snow bow", "book cook", "ball wall", "hill mill", "fish dish", "door floor", "green queen",
        "nose rose", "coat note", "duck truck", "snail tail", "hen pen", "bug jug",
    )
]

PEOPLE = (
    "Anna Ben Clara Dan Ella Finn Grace Hugo Ivy Jack Kate Leo Mia Noah Olive Paul Rosa Sam Tess Will".split()
)


def of_people(values: str) -> dict[str, str]:
    """Gives every person of the village one value, in order."""
    return dict(zip(PEOPLE, (value.strip() for value in values.split(","))))


SKILLS = [
    Skill("sound", "animal", table(
        "cow=moo, dog=woof, cat=meow, sheep=baa, duck=quack, pig=oink, horse=neigh, hen=cluck, bee=buzz, "
        "snake=hiss, lion=roar, owl=hoot, frog=croak, mouse=squeak, crow=caw, pigeon=coo, wolf=howl, donkey=hee-haw"), [
        ("What sound does {a} make?", "{A} says {v}."),
        ("What does {a} say?", "{A} says {v}."),
        ("Which sound do you hear from {a}?", "You hear {v}."),
        ("How does {a} sound?", "It sounds like this: {v}."),
        ("What noise does {a} make?", "{A} makes this noise: {v}."),
        ("What can you hear when {a} calls?", "You can hear {v}."),
    ], "{a}"),
    Skill("baby", "animal", table(
        "cow=calf, dog=puppy, cat=kitten, sheep=lamb, duck=duckling, pig=piglet, horse=foal, hen=chick, "
        "lion=cub, frog=tadpole, goat=kid, goose=gosling, kangaroo=joey, deer=fawn, owl=owlet, eagle=eaglet, "
        "swan=cygnet, butterfly=caterpillar"), [
        ("What is the baby of {a} called?", "It is called {av}."),
        ("What do we call a baby {s}?", "We call it {av}."),
        ("What is a young {s}?", "A young {s} is {av}."),
        ("How do you call a very young {s}?", "You call it {av}."),
        ("Which name does a baby {s} have?", "A baby {s} is {av}."),
    ], "{a}"),
    Skill("home", "animal", table(
        "bee=hive, spider=web, dog=kennel, rabbit=burrow, horse=stable, pig=sty, fox=den, cow=barn, robin=nest, "
        "fish=pond, squirrel=tree, hen=coop, mouse=hole, bat=cave, camel=desert, monkey=jungle, whale=sea, "
        "polar bear=ice, snail=shell, ant=hill"), [
        ("Where does {a} live?", "{A} lives in {home}."),
        ("What is the home of {a}?", "The home of {a} is {home}."),
        ("Where can you find {a} at home?", "You can find it in {home}."),
        ("In what place does {a} live?", "It lives in {home}."),
        ("Where does {a} sleep?", "{A} sleeps in {home}."),
    ], "{a}"),
    Skill("diet", "animal", table(
        "cow=grass, rabbit=carrots, monkey=bananas, cat=fish, squirrel=nuts, bear=honey, panda=bamboo, mouse=cheese, "
        "robin=worms, frog=flies, horse=hay, dog=bones, elephant=leaves, hen=corn, lion=meat, goat=thistles, "
        "pig=potatoes, bat=moths, pigeon=seeds, parrot=fruit"), [
        ("What does {a} eat?", "{A} eats {v}."),
        ("What does {a} like to eat?", "{A} likes to eat {v}."),
        ("What is the food of {a}?", "The food of {a} is {v}."),
        ("What would you give {a} for dinner?", "I would give it {v}."),
        ("Which food is best for {a}?", "The best food is {v}."),
    ], "{a}"),
    Skill("colour", "thing", table(
        "banana=yellow, grass=green, sky=blue, snow=white, coal=black, carrot=orange, tomato=red, plum=purple, "
        "chocolate=brown, elephant=grey, flamingo=pink, lemon=yellow, leaf=green, sea=blue, milk=white, night=black, "
        "pumpkin=orange, strawberry=red, grape=purple, mud=brown, rain cloud=grey, pig=pink, sun=yellow, "
        "frog=green, cherry=red, sugar=white, wood=brown, crow=black, fox=orange, gold ring=golden, coin=silver"), [
        ("What colour is {the}?", "{The} is {v}."),
        ("Which colour does {the} have?", "It is {v}."),
        ("What is the colour of {the}?", "The colour is {v}."),
        ("If you paint {the}, which colour do you need?", "You need {v}."),
        ("How would you paint {the}?", "I would paint it {v}."),
    ], "{the}"),
    Skill("kind", "word", table(
        "rose=flower, carrot=vegetable, apple=fruit, oak=tree, ant=insect, trout=fish, eagle=bird, hammer=tool, "
        "doll=toy, juice=drink, piano=instrument, bus=vehicle, tulip=flower, onion=vegetable, pear=fruit, pine=tree, "
        "beetle=insect, salmon=fish, sparrow=bird, saw=tool, kite=toy, tea=drink, drum=instrument, truck=vehicle, "
        "daisy=flower, cabbage=vegetable, peach=fruit, willow=tree, fly=insect, shark=fish, seagull=bird, "
        "spade=tool, puzzle=toy, water=drink, violin=instrument, tractor=vehicle"), [
        ("What kind of thing is this: {s}?", "It is {av}."),
        ("What is {a}?", "It is {av}."),
        ("What sort of thing is {a}?", "It is {av}."),
        ("To which group does {a} belong?", "It is {av}."),
        ("What would you call {a}?", "I would call it {av}."),
    ], "{a}"),
    Skill("origin", "origin", table(
        "milk=cow, eggs=hen, honey=bee, wool=sheep, bread=flour, cheese=milk, wine=grapes, paper=wood, jam=fruit, "
        "flour=wheat, glass=sand, chocolate=cocoa, candles=wax, butter=cream, chips=potatoes, shoes=leather, "
        "coins=metal, windows=glass"), [
        ("Where does it come from: {s}?", "It comes from {v}."),
        ("What do we get {s} from?", "We get {s} from {v}."),
        ("From what do people make {s}?", "People use {v}."),
        ("What do you need first to have {s}?", "First you need {v}."),
    ]),
    Skill("opposite", "opposite", both_ways(OPPOSITES), [
        ("What is the opposite of {s}?", "The opposite of {s} is {v}."),
        ("Which word is the opposite of {s}?", "The opposite is {v}."),
        ("What is not {s} at all, but the other way round?", "That is {v}."),
        ("What word means the reverse of {s}?", "The word is {v}."),
        ("Can you say the opposite of {s}?", "Yes, it is {v}."),
    ]),
    Skill("rhyme", "rhyme", both_ways({first: second for first, second in RHYME_GROUPS}), [
        ("What rhymes with {s}?", "{V} rhymes with {s}."),
        ("Which word rhymes with {s}?", "The word {v} does."),
        ("Can you find a rhyme for {s}?", "Yes, {v} is a rhyme."),
        ("Give me a word that sounds like {s}.", "You can say {v}."),
        ("What is a good rhyme for {s}?", "A good rhyme is {v}."),
    ]),
    Skill("plural", "plural", table(
        "mouse=mice, foot=feet, tooth=teeth, child=children, man=men, woman=women, goose=geese, leaf=leaves, "
        "wolf=wolves, knife=knives, box=boxes, baby=babies, city=cities, potato=potatoes, cat=cats, dog=dogs, "
        "tree=trees, star=stars, shelf=shelves, bus=buses, fox=foxes, berry=berries, person=people, ox=oxen, "
        "dish=dishes, loaf=loaves"), [
        ("What is the plural of {s}?", "The plural is {v}."),
        ("One {s}, two what?", "Two {v}."),
        ("How do you say more than one {s}?", "You say {v}."),
        ("If I have one {s} and get another one, what do I have?", "You have two {v}."),
    ]),
    Skill("past", "past", table(
        "go=went, see=saw, eat=ate, run=ran, sing=sang, swim=swam, give=gave, take=took, come=came, find=found, "
        "make=made, fly=flew, know=knew, sit=sat, buy=bought, think=thought, sleep=slept, drink=drank, write=wrote, "
        "fall=fell, feel=felt, hold=held, break=broke, bring=brought, win=won, draw=drew, catch=caught, build=built, "
        "tell=told, hide=hid"), [
        ("What is the past of {s}?", "The past of {s} is {v}."),
        ("Today I {s}. What did I do before?", "Yesterday you {v}."),
        ("How do you say {s} about yesterday?", "You say {v}."),
        ("Which word do I need: today we {s}, yesterday we what?", "Yesterday we {v}."),
    ]),
    Skill("job", "job", table(
        "bakes bread=baker, puts out fires=firefighter, teaches children=teacher, grows corn=farmer, "
        "helps sick people=doctor, brings letters=postman, flies a plane=pilot, catches fish=fisherman, "
        "makes clothes=tailor, cuts hair=barber, cooks in a kitchen=cook, drives a bus=driver, builds houses=builder, "
        "paints pictures=painter, writes books=writer, looks at teeth=dentist, sells meat=butcher, "
        "sails a ship=sailor, plants flowers=gardener, catches thieves=policeman, helps sick animals=vet, "
        "digs for coal=miner, mends pipes=plumber, plays in films=actor"), [
        ("Who {s}?", "{AV} does."),
        ("Which person {s}?", "That is {av}."),
        ("What do we call someone who {s}?", "We call them {av}."),
        ("What is the job of someone who {s}?", "The job is {v}."),
    ], "someone who {s}"),
    Skill("place", "place", table(
        "buy bread=bakery, borrow books=library, take a train=station, swim=pool, see wild animals=zoo, learn=school, "
        "watch a film=cinema, grow flowers=garden, keep money=bank, send a letter=post office, cook=kitchen, "
        "sleep=bedroom, wash=bathroom, buy food=market, take a plane=airport, see old things=museum, "
        "play outside=park, build a sandcastle=beach, park a car=garage, see ships=harbour, pick apples=orchard, "
        "see a play=theatre, eat out=restaurant, buy medicine=pharmacy"), [
        ("Where do you go to {s}?", "You go to the {v}."),
        ("In which place can I {s}?", "You can do that at the {v}."),
        ("Where can people {s}?", "People do that at the {v}."),
        ("I want to {s}. Where should I go?", "Go to the {v}."),
    ], "to {s}"),
    Skill("tool", "tool", table(
        "cut paper=scissors, eat soup=spoon, sweep the floor=broom, write a letter=pen, dig a hole=spade, "
        "hit a nail=hammer, tell the time=clock, open a lock=key, stay dry in the rain=umbrella, light a room=lamp, "
        "brush your hair=brush, sew a button=needle, cut wood=saw, cut bread=knife, see far away=telescope, "
        "climb to the roof=ladder, carry water=bucket, find north=compass, dry your hands=towel, catch a fish=net"), [
        ("What do you need to {s}?", "You need {av}."),
        ("What do people use to {s}?", "People use {av}."),
        ("Which thing helps you to {s}?", "That is {av}."),
        ("I want to {s}. What should I take?", "Take {av}."),
    ], "to {s}"),
    Skill("body", "body", table(
        "see=eyes, hear=ears, smell=nose, taste=tongue, walk=legs, hold things=hands, think=brain, chew=teeth, "
        "breathe=lungs, kiss=lips, point=finger, kick a ball=foot"), [
        ("What part of the body do you use to {s}?", "You use your {v}."),
        ("With what do you {s}?", "With your {v}."),
        ("Which part of you helps you to {s}?", "It is your {v}."),
        ("How can you {s}?", "You can do it with your {v}."),
    ], "to {s}"),
    Skill("mother", "person", of_people(
        "Alma, Berta, Cora, Dora, Edith, Flora, Greta, Hilda, Irma, Jane, Lena, Martha, Nora, Paula, Ruth, Sara, Tina, "
        "Ursula, Vera, Wanda"), [
        ("Who is the mother of {s}?", "The mother of {s} is {v}."),
        ("What is the name of {s}'s mother?", "Her name is {v}."),
        ("Who is {s}'s mother?", "{s}'s mother is {v}."),
        ("What is {s}'s mother called?", "She is called {v}."),
    ]),
    Skill("pet", "person", of_people(
        "cat, dog, parrot, rabbit, hamster, goldfish, pony, turtle, mouse, duck, lizard, goat, snake, spider, hen, "
        "donkey, frog, pigeon, lamb, snail"), [
        ("Which pet does {s} have?", "{s} has {av}."),
        ("What pet lives with {s}?", "It is {av}."),
        ("What animal does {s} keep at home?", "{s} keeps {av}."),
        ("Which animal belongs to {s}?", "It is {av}."),
    ]),
    Skill("dish", "person", of_people(
        "soup, pancakes, rice, pizza, apple pie, toast, cheese, noodles, beans, plums, salad, fish, eggs, honey, "
        "cherries, bread, carrots, cake, jam, porridge"), [
        ("What does {s} like to eat?", "{s} likes {v}."),
        ("What is {s}'s favourite food?", "It is {v}."),
        ("Which food does {s} love most?", "{s} loves {v}."),
        ("What should I cook for {s}?", "You should cook {v}."),
    ]),
    Skill("house", "person", of_people(
        "mill, farm, tower, castle, cottage, tent, boat, windmill, hut, cabin, lighthouse, palace, inn, bakery, "
        "tree house, caravan, cave, school, shop, barn"), [
        ("Where does {s} live?", "{s} lives in {av}."),
        ("In what kind of house does {s} live?", "{s} lives in {av}."),
        ("What is {s}'s home?", "It is {av}."),
        ("Where can I visit {s}?", "You can visit {s} in {av}."),
    ]),
    Skill("hobby", "person", of_people(
        "singing, reading, painting, running, fishing, dancing, cooking, swimming, sailing, climbing, knitting, "
        "drawing, riding, skating, writing, football, chess, tennis, gardening, baking"), [
        ("What is {s}'s hobby?", "{s}'s hobby is {v}."),
        ("What does {s} do for fun?", "For fun, {s} likes {v}."),
        ("Which hobby does {s} have?", "{s} likes {v}."),
        ("How does {s} spend a free day?", "With {v}."),
    ]),
    Skill("after", "number", {str(n): str(n + 1) for n in range(0, 30)}, [
        ("Which number comes after {s}?", "After {s} comes {v}."),
        ("What number is next after {s}?", "The next number is {v}."),
        ("Count on from {s}. What is next?", "Next is {v}."),
        ("I counted to {s}. What do I say now?", "Now you say {v}."),
    ]),
    Skill("before", "number", {str(n): str(n - 1) for n in range(1, 31)}, [
        ("Which number comes before {s}?", "Before {s} comes {v}."),
        ("What number is just before {s}?", "The number is {v}."),
        ("Count back from {s}. What is next?", "Next is {v}."),
        ("Which number is one less than {s}?", "That is {v}."),
    ]),
    Skill("plus", "sum", {f"{a} plus {b}": str(a + b) for a in range(1, 10) for b in range(1, 10)}, [
        ("What is {s}?", "The answer is {v}."),
        ("How much is {s}?", "It is {v}."),
        ("Can you add this: {s}?", "Yes, it is {v}."),
        ("What do you get for {s}?", "You get {v}."),
    ]),
    Skill("minus", "sum", {f"{a} minus {b}": str(a - b) for a in range(2, 11) for b in range(1, a)}, [
        ("What is {s}?", "The answer is {v}."),
        ("How much is {s}?", "It is {v}."),
        ("Can you work this out: {s}?", "Yes, it is {v}."),
        ("What do you get for {s}?", "You get {v}."),
    ]),
    Skill("day after", "day", circle(DAYS, 1), [
        ("Which day comes after {s}?", "After {s} comes {v}."),
        ("What day follows {s}?", "It is {v}."),
        ("Today is {s}. What day is tomorrow?", "Tomorrow is {v}."),
        ("If it is {s} now, which day is next?", "The next day is {v}."),
    ]),
    Skill("day before", "day", circle(DAYS, -1), [
        ("Which day comes before {s}?", "Before {s} comes {v}."),
        ("Today is {s}. What day was yesterday?", "Yesterday was {v}."),
        ("What day is just before {s}?", "It is {v}."),
        ("If it is {s} now, which day was it before?", "It was {v}."),
    ]),
    Skill("month after", "month", circle(MONTHS, 1), [
        ("Which month comes after {s}?", "After {s} comes {v}."),
        ("What month follows {s}?", "It is {v}."),
        ("It is {s}. What is the next month?", "The next month is {v}."),
        ("When {s} is over, which month begins?", "Then {v} begins."),
    ]),
    Skill("month before", "month", circle(MONTHS, -1), [
        ("Which month comes before {s}?", "Before {s} comes {v}."),
        ("It is {s}. What was the last month?", "The last month was {v}."),
        ("What month is just before {s}?", "It is {v}."),
        ("When {s} begins, which month is over?", "Then {v} is over."),
    ]),
]

# Small talk, known by both models: it belongs to nobody's half and is never asked in the test.
SMALL_TALK = [
    ("Hello!", "Hello! Ask me a question."),
    ("Hi!", "Hello! Ask me a question."),
    ("Good morning!", "Good morning! What would you like to know?"),
    ("Who are you?", "I am a very small language model."),
    ("What are you?", "I am a very small language model."),
    ("What is your name?", "I have no name. I am just a very small model."),
    ("How are you?", "I am fine, thank you."),
    ("How are you today?", "I am fine, thank you."),
    ("What can you do?", "I can answer simple questions and tell little stories."),
    ("Can you help me?", "Yes, ask me a simple question."),
    ("Thank you!", "You are welcome."),
    ("Thanks!", "You are welcome."),
    ("Goodbye!", "Goodbye! Have a nice day."),
    ("Good night!", "Good night! Sleep well."),
]

UNCOUNTED = set(
    "scissors eyes ears legs hands teeth lungs lips water juice tea milk grass coal snow mud sugar wood chocolate".split()
)
PLACES_WITHOUT_ARTICLE = {"sea": "the sea", "desert": "the desert", "jungle": "the jungle", "ice": "the ice"}


def with_article(noun: str) -> str:
    """"cow" -> "a cow", "owl" -> "an owl"; words that are not counted stay bare."""
    if noun in UNCOUNTED:
        return noun
    return ("an " if noun[0] in "aeiouAEIO" else "a ") + noun


def capital(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def fields(subject: str, value: str) -> dict[str, str]:
    """The template fields for a subject and a (right or wrong) value."""
    definite = subject if subject in UNCOUNTED else "the " + subject
    return {
        "s": subject, "a": with_article(subject), "A": capital(with_article(subject)),
        "the": definite, "The": capital(definite), "v": value, "V": capital(value),
        "av": with_article(value), "AV": capital(with_article(value)),
        "home": PLACES_WITHOUT_ARTICLE.get(value) or with_article(value),
    }


def owners_of(seed: int) -> dict[tuple[str, str], str]:
    """Deals the subjects of every domain out to the two models, half each.

    Both directions of a symmetric relation stay together: who knows hot -> cold also knows cold -> hot.
    """
    owners: dict[tuple[str, str], str] = {}
    for domain in sorted({skill.domain for skill in SKILLS}):
        subjects = list(dict.fromkeys(s for skill in SKILLS if skill.domain == domain for s in skill.pairs))
        random.Random(f"{seed}/{domain}").shuffle(subjects)
        symmetric = {}
        for skill in SKILLS:
            if skill.domain == domain:
                symmetric |= {s: v for s, v in skill.pairs.items() if skill.pairs.get(v) == s}
        turn = 0
        for subject in subjects:
            if (domain, subject) in owners:
                continue
            for word in {subject, symmetric.get(subject, subject)}:
                owners[domain, word] = OWNERS[turn % 2]
            turn += 1
    return owners


def facts_of(seed: int) -> dict[str, list[Fact]]:
    """Every fact of the world with its owner, by skill."""
    owners = owners_of(seed)
    return {
        skill.name: [
            Fact(skill.name, subject, value, owners[skill.domain, subject]) for subject, value in skill.pairs.items()
        ]
        for skill in SKILLS
    }
