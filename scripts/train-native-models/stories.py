"""Short stories in simple English, grown from plots.

A plot is text in which {a|b|c} stands for one of the alternatives (they nest) and [name] for a slot that is filled once
per story, so that characters, places and things stay the same from the first sentence to the last.
"""

import random
import re

CHOICE = re.compile(r"\{([^{}]*)\}")
SLOT = re.compile(r"\[([A-Za-z ]+)\]")
# A lower-case letter that begins a sentence. After ?" and !" a sentence may go on ("…?" he asked), so only "the" counts.
SENTENCE_START = re.compile(r"(^|[.!?] |\.\" |[!?]\" (?=the )|\n)([a-z])")

BOYS = "Ben Dan Finn Hugo Jack Leo Noah Paul Sam Will Tom Max Tim Oscar Felix".split()
GIRLS = "Anna Clara Ella Grace Ivy Kate Mia Olive Rosa Tess Lily Lucy Emma Nina Zoe".split()
ANIMALS = "fox rabbit bear mouse duck cat dog hedgehog squirrel frog owl goat lamb bird turtle mole".split()
TOYS = "ball|kite|doll|boat|teddy bear|drum|train|puzzle|bell|top|scarf|hat".split("|")
FOODS = "apple|cake|pear|cookie|sandwich|bun|plum|pancake|pie|peach".split("|")
PLACES = (
    "in the forest|in the garden|in the park|in the meadow|in the village|in the valley|on the farm|on the beach|on the hill|"
    "in the wood"
).split("|")
COLOURS = "red|blue|green|yellow|white|brown|orange|purple".split("|")
MOODS = "kind|brave|clever|funny|quiet|cheerful|curious|gentle|lively".split("|")

OPENING = (
    "{Once upon a time|Once upon a time|Once upon a time|Long ago|Once} there {was|lived} a {little|small|young|[mood]} [kind] "
    "{named|called} [Name]. {[Name] lived {near|close to|not far from} a {big|quiet|beautiful|sunny|old} [place]. |"
    "[He] was very [other mood]. |[He] loved to {sing|play|laugh|run|dream} [in place]. |}"
)

PLOTS = [
    # lost and found
    "One {morning|day|afternoon}, [Name] could not find [his] [colour] [toy]. {[He] was very sad.|[He] began to cry.|"
    "[He] looked and looked.} \"{Where is|Have you seen} my [toy]?\" [he] asked [friend]. \"{No|Not yet|Not today}, but I will help "
    "you,\" said [friend]. They looked {under the bed|behind the door|in the tall grass|in every box} and {under a tree|near the "
    "pond|on the stairs|in the shed}. {At last|After a long time|Then}, [friend] saw something [colour] {in a bush|on a branch|behind a "
    "stone|in the hay}. It was the [toy]! \"{Thank you|Oh, thank you}!\" said [Name]. {They played together until {dark|dinner|the sun "
    "went down}.|From that day on, [Name] took good care of [his] [toy].|They laughed and went home hand in hand.}",
    # sharing
    "One day, [Name] had {a big|a sweet|a lovely|a warm} [food]. [friend] came by and {looked at it|smelled it|sat down near [him]}. "
    "\"{I am so hungry|I had no lunch|That looks good},\" said [friend]. [Name] {thought for a moment|did not want to share at "
    "first|looked at the [food]}. Then [he] {broke it|cut it} in two and said, \"{Here, this half is for you|You can have half of "
    "it|Let us eat it together}.\" [friend] {smiled|was very happy|jumped for joy}. {The next day|Later}, [friend] came back with a "
    "{basket|bag|box} full of {berries|nuts|cherries} {and shared them with [Name]|for both of them}. \"{It is nice to share|Sharing "
    "makes food taste better|A good friend shares},\" said [Name].",
    # storm
    "One {evening|night}, there was a {big|terrible|loud} storm. The wind {blew|cried|howled} and the rain {fell|came down} hard. [Name] "
    "{was afraid|could not sleep|hid under the blanket}. Then [he] heard a {soft|small|sad} sound at the door. It was [friend], {wet and "
    "cold|all wet|cold and tired}. \"{May I come in|Can I stay here|Will you let me in}?\" asked [friend]. \"Of course,\" said [Name]. "
    "[He] {made|gave [friend]} {hot soup|warm milk|some tea} and a {dry|warm|soft} blanket. They {told stories|sang songs|counted the "
    "seconds after every flash} until the storm was over. In the morning, {the sun was shining|there was a big rainbow|the birds were "
    "singing}. \"{I was not afraid with you|With a friend, a storm is only noise|That was the best night},\" said [Name].",
    # seed
    "One day, [Name] found a {tiny|little|strange} seed {on the path|in [his] pocket|under a stone}. \"{Plant it|Put it in the "
    "ground},\" said [friend], \"and {give it water every day|wait and see}.\" [Name] {dug a hole|made a small hole} and put the seed in. "
    "[He] {waited and waited|waited one day, two days, three days|looked at it every morning}. Nothing happened. \"{It does not "
    "grow|Maybe it is asleep},\" [he] said. \"{Be patient|Good things need time|Give it more time},\" said [friend]. {Then it rained.|Then "
    "the sun came out.|One week later, it was warm.} A {little green leaf|small green stem} came out of the ground! In the summer there was "
    "a {tall|lovely|big} [colour] flower. {Everyone came to see it.|[Name] was so proud.|Bees came from everywhere.} [Name] learned to "
    "{wait|be patient}.",
    # broken thing
    "One day, [Name] was playing {with a ball|too wildly|in the kitchen}. {Crash|Bang|Oh no}! The [colour] {cup|plate|vase|lamp} "
    "fell down and broke. [Name] was {scared|worried}. \"{Shall I hide it|What should I do|I could say it was the wind}?\" [he] thought. "
    "[He] {felt bad|had a bad feeling in [his] tummy} all {day|morning}. At last [he] went to [grown] and said, \"{I broke it|It was "
    "me|I did it}. I am sorry.\" [grown] {was quiet for a moment|looked at [him]} and then {smiled|gave [him] a hug}. \"{Thank you for "
    "telling the truth|It is good that you told me},\" [grown] said. {Together they cleaned the floor.|They mended it with glue.|\"We can "
    "buy a new one.\"} [Name] felt {light|happy|better} again.",
    # kite
    "It was a {windy|sunny|bright} day. [Name] went to the [place] with a [colour] kite. {Up, up it went.|It flew high in the sky.|The "
    "wind was strong.} Suddenly, the {string broke|wind turned} and the kite {got stuck|was caught} in a {tall|old|big} tree. [Name] "
    "{jumped|tried to climb}, but {it was too high|could not reach it}. [friend] came and said, \"{Climb on my back|I have a long stick|I "
    "have a ladder}.\" They tried {once|one time}, {twice|two times}, and then {it worked|the kite came down}. \"{Hooray|We did "
    "it}!\" they {shouted|cried}. {All afternoon they flew the kite together.|They tied a new string and ran over the hill.}",
    # lost in the woods
    "One day, [Name] {walked|followed a butterfly|ran} {far|too far} into the forest. Soon {it got dark|all the trees looked the "
    "same|[he] did not know the way}. \"{I am lost|I want to go home},\" [he] said, and a tear ran down [his] face. A {wise|kind|big} "
    "old owl sat in a tree. \"{Do not cry|Do not be afraid},\" said the owl. \"{Follow the river|Follow the bright star|Follow me}, and you "
    "will come home.\" [Name] {did so|went step by step}. {Over a bridge|Past a big rock|Through the tall grass} and {down a hill|over a "
    "field} [he] went, and there {was the light of [his] house|stood [grown]}. [grown] {hugged [him]|was so glad} and said, \"{Please "
    "stay near next time|Now it is time for bed}.\" {That night [Name] waved to the owl from the window.|[Name] never went so far "
    "alone again.}",
    # birthday
    "{Tomorrow was [Name]'s birthday.|It was [Name]'s birthday.} But {nobody said a word|nobody was at home|the house was "
    "quiet}. [Name] went to the [place] and felt {alone|sad}. \"{Did everybody forget me|Does nobody remember}?\" [he] "
    "asked. Then [he] {heard a laugh|saw a [colour] light|heard music} behind the {trees|wall|barn}. [He] {went to look|came "
    "closer}. \"Surprise!\" {called|shouted} [friend] and [grown]. There was a {big|sweet} cake and a [colour] [toy] for [Name]. They "
    "{danced|sang|played games} until {late|the moon came up}. \"{This is the best day of my life|You are the best friends},\" said [Name].",
    # learning
    "[Name] wanted to learn to {swim|ride a bike|skate|whistle|jump over the stream}. The first time, [he] {fell|failed|got wet}. {\"I "
    "cannot do it,\" [he] said.|[He] wanted to stop.} \"{Try again|One more time|Everybody falls at first},\" said [friend]. So [Name] tried "
    "again. {It went a little better.|Again it did not work.|It was hard.} {Day after day|Every day|Morning after morning}, [he] "
    "{tried|practised}. And {one day|at the end of the week|in the end}, [he] could do it! {\"Look at me!\" [he] called.|[He] was so "
    "proud.} [friend] clapped and said, \"{I knew it|You never gave up}.\" [Name] {smiled all day|learned that trying is the "
    "secret}.",
    # map
    "One day, [Name] found an old {map|letter|note} in a {bottle|book|box}. \"{It shows a treasure|There is a cross on it},\" said "
    "[friend]. \"Let us {go|find it}!\" They {walked to the [place]|crossed the river|climbed a hill} and {took ten steps to the left|dug "
    "under a tall tree|looked behind a big stone}. There was a {small|dusty|heavy} box. {What was inside?|They opened it slowly.} "
    "{There was no gold.|It was full of [colour] stones.} There was a {note that said|letter that said}, \"{The best treasure is a "
    "friend|Friends are better than gold|You found each other}.\" [Name] looked at [friend] and {laughed|smiled}. \"{That is true|Yes, it "
    "is},\" [he] said, and they {ran home for dinner|put a new note in the box}.",
    # baking
    "[Name] wanted to bake a [food] for [grown]. \"{I can do it alone|It must be a surprise},\" [he] said. [He] took {flour, milk and "
    "eggs|flour, butter and sugar}. But {the flour flew everywhere|the milk ran over the table|[he] used salt and not sugar}! "
    "[friend] {came in and laughed|looked through the window}. \"You look like a {snowman|ghost}!\" said [friend]. {First they cleaned "
    "the kitchen.|\"Come, I will help you.\"} Then they {mixed|made} it again, {slowly|step by step}. Soon the house {smelled sweet|smelled "
    "wonderful}. When [grown] came home, [he] said, \"{Surprise|This is for you}!\" [grown] took a bite. \"{It is the best [food] in the "
    "world|I love it|How good it is}!\" And they {all ate together|ate it all}.",
    # new friend
    "A new [kind two] came to the [place]. [His two] name was [Friend]. {Nobody played with [him two].|[He two] sat alone under a tree.|[He two] "
    "was very shy.} [Name] saw it and {went over|took [his] [colour] [toy]}. \"{Do you want to play with me|Would you like to "
    "play}?\" [he] asked. [Friend] {looked up|was surprised} and said, \"{Yes, please|I would love to}.\" They {played|ran|built a little house} all "
    "{day|afternoon}. [Friend] {knew a funny song|could tell the best stories|showed [Name] a secret path}. {When the sun went down|In the "
    "evening}, [Name] said, \"{See you tomorrow|Come again tomorrow}!\" {Now they were friends.|And they were never alone again.}",
    # small helper
    "One {winter|spring|autumn} day, a {big|strong|proud} {horse|bull|bear} was stuck in the {mud|snow|ice}. {\"Help!\" it cried.|It could "
    "not get out.} {Many animals came, but nobody could help.|\"You are too small to help,\" it said to [Name].} [Name] {was small, but very "
    "clever|had an idea}. \"{Bring a rope|Let us all pull|Put wood under its feet},\" said [Name]. {[friend] called all the others.|All the "
    "friends came.} \"One, two, three!\" They {pulled and pulled|pushed with all their might}, and {pop|at last}, it was free! \"{Thank you|I was "
    "wrong},\" said the big animal. \"{You are small, but your heart is big|Small friends can do great things}.\" [Name] {smiled|was happy and "
    "went home}.",
    # the dark
    "[Name] was afraid of the dark. {Every night|In the evening}, [he] saw a {big|long|strange} shadow on the wall. \"{There is a "
    "monster|Something is there},\" [he] told [grown]. [grown] {sat down on the bed|took [his] hand} and lit a {lamp|candle}. \"Look, it is only "
    "{your coat|the tree outside|your [toy]},\" [grown] said. They made {a rabbit|a bird|a dog} with their hands on the wall, and [Name] "
    "laughed. \"{Shadows can be funny|The dark is only a blanket for the day},\" said [grown]. {After that|From then on}, [Name] {slept well|said good night "
    "to the shadow every evening}.",
]

CLOSING = (
    "", "", "", " The end.", " And they lived happily ever after.", " It was a {good|happy|lovely} day.",
    " That night, [Name] {slept well|had a sweet dream}.", " And so they were the best of friends.",
)


def expand(text: str, slots: dict[str, str], random_source: random.Random) -> str:
    """Chooses among the alternatives from the inside out, then fills the slots."""
    while CHOICE.search(text):
        text = CHOICE.sub(lambda match: random_source.choice(match.group(1).split("|")), text)
    return SLOT.sub(lambda match: slots[match.group(1)], text)


def character(random_source: random.Random) -> dict[str, str]:
    """A child or an animal with its name and pronouns."""
    boy = random_source.random() < 0.5
    animal = random_source.random() < 0.45
    kind = random_source.choice(ANIMALS) if animal else ("boy" if boy else "girl")
    name = random_source.choice(BOYS if boy else GIRLS)
    he, him, his = ("he", "him", "his") if boy else ("she", "her", "her")
    return {"Name": name, "kind": kind, "he": he, "He": he.capitalize(), "him": him, "his": his, "His": his.capitalize()}


def story(random_source: random.Random) -> str:
    """One story of about 60 to 150 words."""
    hero, other = character(random_source), character(random_source)
    while other["Name"] == hero["Name"]:
        other = character(random_source)
    slots = hero | {f"{key} two": value for key, value in other.items()}
    where = random_source.choice(PLACES)
    mood, other_mood = random_source.sample(MOODS, 2)
    slots |= {
        "Friend": other["Name"],
        "friend": other["Name"] if random_source.random() < 0.6 else f"the {random_source.choice(ANIMALS)}",
        "grown": random_source.choice(["Mother", "Father", "Grandma", "Grandpa"]),
        "toy": random_source.choice(TOYS), "food": random_source.choice(FOODS), "colour": random_source.choice(COLOURS),
        "in place": where, "place": where.split()[-1], "mood": mood, "other mood": other_mood,
    }
    break_or_space = random_source.choice([" ", " ", "\n"])
    body = random_source.choice(PLOTS)
    text = expand(OPENING + break_or_space + body + random_source.choice(CLOSING), slots, random_source)
    text = re.sub(r" +", " ", text).replace(" \n", "\n")
    text = re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)
    return SENTENCE_START.sub(lambda match: match.group(1) + match.group(2).upper(), text)
