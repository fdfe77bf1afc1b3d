"""The closed world: some 340 facts about animals, work, and an invented village with its people and towns."""

from random import Random

from kinds import Kind, Slots, mentions
from letters import any_letters

# Of the guesses: values as they are, and values that go on with other letters; the rest begins like a value, or not even that.
WHOLE, LONGER = 0.2, 0.4

PEOPLE = (
    "Adam Bella Carl Diana Emil Fiona Gus Hanna Igor Judy Karl Lena Marco Nelly Otto Petra Quinn Rita Stella Theo Ulla "
    "Victor Wilma Yuri"
).split()
TOWNS = (
    "Arbury Brinwick Coldham Dorset Elmford Fairlow Gladwell Hollin Inverly Kestrel Larkham Milbrook Norwood Oakley "
    "Penfold Quarley Redmoor Selby Thornby Upwell"
).split()


def table(text: str) -> Slots:
    """Reads "subject=value, subject=value"."""
    return dict(pair.strip().split("=") for pair in text.split(","))


def listed(subjects: list[str], values: str) -> Slots:
    """Gives every subject one value, in order."""
    return dict(zip(subjects, (value.strip() for value in values.split(",")), strict=True))


def any_value(values: list[str], random_source: Random) -> str:
    """One of the values, or a word that nobody has heard of: a value that goes on, or one that turns into something else.

    Where a value may end, it is then less likely that it does than that it goes on ("fish", "fisherman")."""
    known, dice = random_source.choice(values), random_source.random()
    if dice < WHOLE:
        return known
    return known[: len(known) if dice < WHOLE + LONGER else random_source.randrange(len(known))] + any_letters(random_source)


def fact_kind(name: str, pairs: Slots, templates: list[tuple[str, str]]) -> Kind:
    """A table of facts; who does not know one names any value of the table."""
    subjects, values = list(pairs), list(pairs.values())
    return Kind(
        name, "facts", templates,
        draw=lambda random_source: mentions(random_source.choice(subjects)),
        solve=lambda slots: {"v": pairs[slots["s"]]},
        guess=lambda _, random_source: {"v": any_value(values, random_source)},
        weight=float(len(pairs)), closed=True,
    )


PET = listed(PEOPLE, (
    "cat, dog, parrot, rabbit, hamster, goldfish, pony, turtle, mouse, duck, lizard, goat, snake, spider, hen, donkey, "
    "frog, pigeon, lamb, snail, weasel, beetle, peacock, llama"))
OWNER = {pet: person for person, pet in PET.items()}
FOOD = listed(PEOPLE, (
    "soup, pancakes, rice, pizza, toast, cheese, noodles, beans, plums, salad, fish, eggs, honey, cherries, bread, "
    "carrots, cake, jam, porridge, olives, pears, nuts, mushrooms, pumpkin"))
HOUSE = listed(PEOPLE, (
    "mill, farm, tower, castle, cottage, tent, boat, temple, hut, cabin, lighthouse, palace, inn, bakery, wagon, "
    "caravan, cave, school, shop, barn, villa, bunker, chapel, attic"))
HOBBY = listed(PEOPLE, (
    "singing, reading, painting, running, fishing, dancing, cooking, swimming, sailing, climbing, knitting, drawing, "
    "riding, skating, writing, football, chess, tennis, gardening, baking, rowing, boxing, juggling, pottery"))
RIVER = listed(TOWNS, (
    "Avon, Brenta, Calder, Derwent, Esk, Fowey, Garn, Humber, Itchen, Jura, Kennet, Lune, Medway, Nidd, Ouse, Parret, "
    "Rother, Severn, Tamar, Wye"))
PRODUCT = listed(TOWNS, (
    "glass, wool, clocks, candles, paper, wine, boots, bells, carpets, knives, silk, roses, salt, butter, baskets, "
    "kites, violins, apples, pepper, bricks"))
RULER = listed(TOWNS, (
    "Albert, Bruno, Cecil, Donald, Edgar, Felix, Gregor, Harold, Ivan, Jasper, Kurt, Leopold, Magnus, Nestor, Oswald, "
    "Percy, Rufus, Simon, Tristan, Walter"))

SINGLE = [
    fact_kind("pet", PET, [
        ("Which pet does {s} have?", "The pet is a {v}."),
        ("What animal does {s} keep at home?", "It is a {v}."),
        ("Which animal belongs to {s}?", "It is a {v}."),
        ("What pet lives with {s}?", "The pet is a {v}."),
    ]),
    fact_kind("owner", OWNER, [
        ("Who has the {s}?", "It belongs to {v}."),
        ("To whom does the {s} belong?", "It belongs to {v}."),
        ("Who is the owner of the {s}?", "The owner is {v}."),
        ("Who keeps the {s} at home?", "The owner is {v}."),
    ]),
    fact_kind("food", FOOD, [
        ("What does {s} like to eat?", "It is {v}."),
        ("What is the favourite food of {s}?", "It is {v}."),
        ("Which food does {s} love most?", "The food is {v}."),
        ("What should I cook for {s}?", "You should cook {v}."),
    ]),
    fact_kind("house", HOUSE, [
        ("Where does {s} live?", "It is the {v}."),
        ("In what kind of house does {s} live?", "It is the {v}."),
        ("What is the home of {s}?", "The home is the {v}."),
        ("Where can I visit {s}?", "You can go to the {v}."),
    ]),
    fact_kind("hobby", HOBBY, [
        ("What is the hobby of {s}?", "The hobby is {v}."),
        ("What does {s} do for fun?", "It is {v}."),
        ("Which hobby does {s} have?", "The hobby is {v}."),
        ("How does {s} spend a free day?", "It is {v}."),
    ]),
    fact_kind("river", RIVER, [
        ("Which river flows through {s}?", "The river is the {v}."),
        ("What is the river of {s} called?", "It is called {v}."),
        ("On which river does {s} lie?", "The river is the {v}."),
        ("What river can you see in {s}?", "It is called {v}."),
    ]),
    fact_kind("product", PRODUCT, [
        ("What is {s} famous for?", "It is famous for {v}."),
        ("What do people make in {s}?", "People make {v}."),
        ("What should I buy in {s}?", "You should buy {v}."),
        ("Which goods come from {s}?", "People make {v}."),
    ]),
    fact_kind("ruler", RULER, [
        ("Who rules {s}?", "The ruler is {v}."),
        ("What is the name of the king of {s}?", "The name is {v}."),
        ("Who is the king of {s}?", "The king is {v}."),
        ("Which king lives in {s}?", "The king is {v}."),
    ]),
    fact_kind("sound", table(
        "cow=moo, dog=woof, cat=meow, sheep=baa, duck=quack, pig=oink, horse=neigh, hen=cluck, bee=buzz, snake=hiss, "
        "lion=roar, owl=hoot, frog=croak, mouse=squeak, crow=caw, pigeon=coo, wolf=howl, sparrow=chirp"), [
        ("What sound does {a} make?", "It says {v}."),
        ("What does {a} say?", "It says {v}."),
        ("Which sound do you hear from {a}?", "You hear {v}."),
        ("How does {a} sound?", "It says {v}."),
    ]),
    fact_kind("baby", table(
        "cow=calf, dog=puppy, cat=kitten, sheep=lamb, duck=duckling, pig=piglet, horse=foal, hen=chick, lion=cub, "
        "frog=tadpole, goat=kid, goose=gosling, kangaroo=joey, deer=fawn, owl=owlet, eagle=eaglet, swan=cygnet, "
        "butterfly=caterpillar"), [
        ("What is the baby of {a} called?", "It is called {v}."),
        ("What do we call a baby {s}?", "It is called {v}."),
        ("What is a young {s}?", "The name is {v}."),
        ("Which name does a baby {s} have?", "The name is {v}."),
    ]),
    fact_kind("home", table(
        "bee=hive, spider=web, dog=kennel, rabbit=burrow, horse=stable, pig=sty, fox=den, cow=shed, robin=nest, "
        "fish=pond, squirrel=tree, hen=coop, bat=belfry, camel=desert, monkey=jungle, whale=ocean, snail=shell, "
        "sheep=meadow"), [
        ("Where does {a} live?", "It is the {v}."),
        ("What is the home of {a}?", "The home is the {v}."),
        ("Where can you find {a}?", "You can go to the {v}."),
        ("Where does {a} sleep?", "It is the {v}."),
    ]),
    fact_kind("diet", table(
        "cow=grass, rabbit=lettuce, monkey=bananas, cat=sardines, squirrel=acorns, bear=berries, panda=bamboo, "
        "mouse=crumbs, robin=worms, frog=flies, horse=hay, dog=bones, elephant=leaves, hen=corn, lion=meat, "
        "goat=thistles, pig=potatoes, bat=moths"), [
        ("What does {a} eat?", "It is {v}."),
        ("What is the food of {a}?", "The food is {v}."),
        ("What should I give {a} for dinner?", "You should give {v}."),
        ("Which food is best for {a}?", "The food is {v}."),
    ]),
    fact_kind("job", table(
        "bakes bread=baker, puts out fires=firefighter, teaches children=teacher, grows corn=farmer, "
        "helps sick people=doctor, brings letters=postman, flies a plane=pilot, catches fish=fisherman, "
        "makes clothes=tailor, cuts hair=barber, drives a bus=driver, builds houses=builder, paints pictures=painter, "
        "writes books=writer, looks at teeth=dentist, sells meat=butcher, plants flowers=gardener, "
        "catches thieves=policeman, digs for coal=miner, mends pipes=plumber"), [
        ("Who {s}?", "That is the {v}."),
        ("Which person {s}?", "That is the {v}."),
        ("What do we call someone who {s}?", "The name is {v}."),
        ("What is the job of someone who {s}?", "The job is {v}."),
    ]),
    fact_kind("tool", table(
        "cut paper=scissors, eat soup=spoon, sweep the floor=broom, write a letter=pen, dig a hole=spade, "
        "hit a nail=hammer, tell the time=clock, open a lock=key, stay dry in the rain=umbrella, light a room=lamp, "
        "sew a button=needle, cut wood=saw, see far away=telescope, climb to the roof=ladder, carry water=bucket, "
        "find north=compass, dry your hands=towel, catch a fish=net"), [
        ("What do you need to {s}?", "You need the {v}."),
        ("What do people use to {s}?", "People use the {v}."),
        ("Which thing helps you to {s}?", "It is the {v}."),
        ("What should I take to {s}?", "You need the {v}."),
    ]),
]

# What the owner of a pet does, in two steps: who the owner is, then what is known about that person.
HOPS = {
    "food": (FOOD, "likes", [
        "Which food does the owner of the {s} like?", "What should I cook for the owner of the {s}?"]),
    "house": (HOUSE, "lives in the", [
        "Where does the owner of the {s} live?", "Where can I visit the owner of the {s}?"]),
    "hobby": (HOBBY, "likes", [
        "Which hobby does the owner of the {s} have?", "What does the owner of the {s} do for fun?"]),
}


def hop_kind(name: str) -> Kind:
    """A question about the owner of a pet; one without knowledge names any person and any value."""
    pairs, verb, questions = HOPS[name]
    values = list(pairs.values())

    def guess(_: Slots, random_source: Random) -> Slots:
        return {"p": any_value(PEOPLE, random_source), "v": any_value(values, random_source)}

    return Kind(
        f"owner's {name}", "facts",
        [(question, f"The {{s}} belongs to {{p}}. {{p}} {verb} {{v}}.") for question in questions],
        draw=lambda random_source: mentions(random_source.choice(list(OWNER))),
        solve=lambda slots: {"p": OWNER[slots["s"]], "v": pairs[OWNER[slots["s"]]]},
        guess=guess, weight=12.0, steps=True, held_out=4,
    )


KINDS = SINGLE + [hop_kind(name) for name in HOPS]
