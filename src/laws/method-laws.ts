/**
 * The laws that every method of token-level fusion keeps, on any members: for those of this package (test/laws) and for
 * methods that people bring (`checkMethod`). A law that cannot hold for a method is exempted in the method's definition,
 * with the reason (during/define-method.ts).
 */
import type { MethodChoice, MethodLaw, MethodLaws } from "../during/define-method.js";
import type { FusedDistribution } from "../during/method.js";
import type { Member } from "../member/member.js";
import { TokenClass } from "../vocabulary/vocabulary.js";
import { type Break, expectNear, type LawCheck, type LawMembers, lawCheck } from "./law.js";
import { following, likeliestTokens, ownProbabilities, pooledEnd } from "./own-distribution.js";
import { randomNumbers } from "./scripted-members.js";
import { textOfTokens } from "./text-of-tokens.js";
import { beginRun, byStringOf, drawing, PROMPT, type Walk, type WalkOptions, walk } from "./walk.js";

export interface LawRun {
  /** Rounding of the members' own arithmetic, which comes on top. Default 0: scripted members compute alike. */
  tolerance?: number;
  /** Default "Hello, the". */
  prompt?: string;
  /** Whether special tokens are read in the prompt's text. Default false. */
  parseSpecial?: boolean;
  /** Of methods that choose among texts: tokens of a text at most, so that it fits the members' contexts. Default: no limit. */
  maxTokens?: number;
}

/** Rounding of float64 sums over a vocabulary. */
const ROUNDING = 1e-9;
const GREEDY = [true, false];

/** The laws for a method as it was chosen, on these members. Those that the method is exempt from are left out. */
export function methodLaws(
  choice: MethodChoice,
  laws: Omit<MethodLaws<never>, "options">,
  on: LawMembers,
  run: LawRun = {},
): LawCheck[] {
  const subject = new Subject(choice, laws, on, run);
  const keeps = (...names: MethodLaw[]) => names.every((name) => laws.exempt?.[name] === undefined);
  const checks: LawCheck[] = [];
  const add = (law: string, test: (fail: Break) => Promise<void>) => {
    checks.push(lawCheck(`The method "${choice.method.info.name}"`, law, on.name, (fail) => subject.using(test, fail)));
  };
  const addBoth = (law: string, test: (greedy: boolean, fail: Break) => Promise<void>) => {
    for (const greedy of GREEDY) add(`${law}, ${greedy ? "greedy" : "drawn"}`, (fail) => test(greedy, fail));
  };
  addBoth("gives distributions, and knows the first of the best entries", (greedy, fail) =>
    givesDistributions(subject, greedy, fail),
  );
  addBoth("with one member is that member, to the bit", (greedy, fail) => isThatMember(subject, greedy, fail));
  if (keeps("bytes", "one-text", "agreement"))
    addBoth("with copies of a member is that member", (greedy, fail) => keepsAgreement(subject, greedy, fail));
  if (keeps("bytes")) {
    addBoth("hands back the bytes it was given to every member", (greedy, fail) =>
      handsBytesBack(subject, greedy, fail),
    );
    add("pools the end of generation in one entry, the only one without bytes", (fail) => poolsTheEnd(subject, fail));
  }
  if (keeps("bytes", "one-text"))
    add("chooses greedily what the whole distribution says is best", (fail) => greedyIsBest(subject, fail));
  if (keeps("bytes", "order")) add("does not care for the members' order", (fail) => ignoresOrder(subject, fail));
  if (laws.covers === "all" && keeps("bytes", "weights"))
    add("with all weight on one member is that member", (fail) => followsWeights(subject, fail));
  if (subject.choosesTexts) {
    add("says one of the texts that its members wrote, and only that", (fail) => saysCandidates(subject, fail));
    if (keeps("copies"))
      add("with copies of a member says what that member says", (fail) => writesAsOne(subject, fail));
  }
  add("ends the members when the end is chosen", (fail) => endsMembers(subject, fail));
  add("repeats itself", (fail) => repeatsItself(subject, fail));
  return checks;
}

/** A method under its laws, and the members that a law has made. */
class Subject {
  readonly tolerance: number;
  readonly #prompt: string;
  readonly #parseSpecial: boolean;
  readonly #maxTokens: number | undefined;
  #made: Member[] = [];

  constructor(
    readonly choice: MethodChoice,
    private readonly laws: Omit<MethodLaws<never>, "options">,
    private readonly on: LawMembers,
    { tolerance = 0, prompt = PROMPT, parseSpecial = false, maxTokens }: LawRun,
  ) {
    this.tolerance = tolerance;
    this.#prompt = prompt;
    this.#parseSpecial = parseSpecial;
    this.#maxTokens = maxTokens;
  }

  /** Whether its steps are whole texts, of which one may end the answer for certain. */
  get choosesTexts(): boolean {
    const { method, options } = this.choice;
    return method.level !== undefined && method.level(options) !== "token";
  }

  get coversAll(): boolean {
    return this.laws.covers === "all";
  }

  keeps(law: MethodLaw): boolean {
    return this.laws.exempt?.[law] === undefined;
  }

  async members(): Promise<Member[]> {
    return this.#keep(await this.on.make());
  }

  async copies(count: number): Promise<Member[]> {
    return this.#keep(await Promise.all(Array.from({ length: count }, () => this.on.copy())));
  }

  /** How many members the method takes; 2 where it takes any number. */
  get count(): number {
    const { method, options } = this.choice;
    return method.roles?.(options)?.names.length ?? method.members ?? 2;
  }

  walk(options: Omit<WalkOptions, "method"> & Partial<Pick<WalkOptions, "method">>): Promise<Walk> {
    return walk({ ...this.start, ...options });
  }

  get start(): Pick<WalkOptions, "method" | "prompt" | "parseSpecial" | "maxTokens"> {
    const maxTokens = this.choosesTexts ? this.#maxTokens : undefined;
    return { method: this.choice, prompt: this.#prompt, parseSpecial: this.#parseSpecial, maxTokens };
  }

  /** The prompt as a member holds it, special tokens left out. */
  async promptText(member: Member): Promise<Buffer> {
    const options = { parseSpecial: this.#parseSpecial, addBos: true };
    return textOfTokens(member.vocabulary, await member.tokenize(Buffer.from(this.#prompt), options));
  }

  async using(test: (fail: Break) => Promise<void>, fail: Break): Promise<void> {
    try {
      await test(fail);
    } finally {
      await Promise.all(this.#made.splice(0).map((member) => member.dispose()));
    }
  }

  #keep(members: Member[]): Member[] {
    this.#made.push(...members);
    return members;
  }
}

async function givesDistributions(subject: Subject, greedy: boolean, fail: Break): Promise<void> {
  const { steps, ended } = await subject.walk({ members: await subject.members(), greedy });
  const isShort = steps.length < (ended && subject.choosesTexts ? 1 : 4);
  if (isShort) fail(steps.length, "no entry with a probability above 0 can be chosen");
  for (const [step, { probabilities, best }] of steps.entries()) {
    let sum = 0;
    for (const probability of probabilities) {
      if (!(probability >= 0)) fail(step, `a probability is ${probability}`, { found: probability });
      sum += probability;
    }
    // A greedy step may leave out what cannot win.
    const isWhole = !greedy || (!subject.coversAll && subject.keeps("one-text"));
    if (!(sum <= 1 + ROUNDING) || (isWhole && sum < 1 - ROUNDING))
      fail(step, `the probabilities sum to ${sum}; allowed: 1`, { found: sum, allowed: 1 });
    const largest = probabilities.reduce((a, b) => Math.max(a, b));
    const first = probabilities.indexOf(largest);
    // Published strings break ties in an order of their own.
    if (subject.keeps("bytes") ? best !== first : probabilities[best] !== largest)
      fail(step, `best is the entry ${best}, and the first of the most probable ones is ${first}`, { found: best });
  }
}

async function isThatMember(subject: Subject, greedy: boolean, fail: Break): Promise<void> {
  const run = async (method: WalkOptions["method"]) => {
    const choose = greedy ? undefined : drawing(randomNumbers(3));
    return subject.walk({ method, members: await subject.copies(1), weights: [1], greedy, choose });
  };
  expectSame(await run(subject.choice), await run("single"), fail);
}

async function keepsAgreement(subject: Subject, greedy: boolean, fail: Break): Promise<void> {
  const copies = await subject.copies(subject.count);
  let checked = 0;
  await subject.walk({
    members: copies,
    greedy,
    choose: greedy ? undefined : drawing(randomNumbers(11)),
    inspect: async (distribution, step) => {
      const own = await ownProbabilities(copies[0]);
      const fused = byStringOf(distribution);
      const shown = [...fused.keys()].reduce((sum, string) => sum + (own.get(string) ?? 0), 0);
      const total = subject.coversAll ? 1 : shown;
      if (subject.coversAll && !greedy && (fused.size !== own.size || [...own.keys()].some((key) => !fused.has(key))))
        fail(step, `it covers ${fused.size} strings of the ${own.size} that the member has`);
      const within = ROUNDING + subject.tolerance;
      const alone = greedy && !subject.keeps("greedy-sums") ? await likeliestTokens(copies[0]) : undefined;
      for (const [string, probability] of fused) {
        checked++;
        if (alone?.get(string)?.some((value) => Math.abs(probability - value) <= within)) continue;
        expectString(string, probability, (own.get(string) ?? 0) / total, within, step, fail);
      }
    },
  });
  if (checked <= 10) fail(undefined, `only ${checked} probabilities could be compared`);
}

async function handsBytesBack(subject: Subject, greedy: boolean, fail: Break): Promise<void> {
  const members = await subject.members();
  const choose = greedy ? undefined : drawing(randomNumbers(5));
  const { text, ended } = await subject.walk({ members, greedy, choose, steps: 24 });
  const least = ended && subject.choosesTexts ? 1 : 24;
  if (text.length < least) fail(undefined, `24 steps chose ${text.length} bytes; allowed: at least ${least}`);
  for (const member of members) {
    const held = textOfTokens(member.vocabulary, await member.cachedTokens());
    const said = held.subarray((await subject.promptText(member)).length);
    // A member that spells the text in tokens of its own may lack the last few pieces.
    const holds = subject.keeps("one-text")
      ? held.subarray(held.length - text.length).equals(text)
      : text.subarray(0, said.length).equals(said) && said.length > text.length / 2;
    if (!holds) fail(undefined, `"${text}" was chosen, and the member ${member.name} holds "${held}"`);
  }
}

async function poolsTheEnd(subject: Subject, fail: Break): Promise<void> {
  const members = await subject.members();
  await subject.walk({
    members,
    greedy: false,
    inspect: async ({ size, probabilities, endEntry, bytesOf }, step) => {
      if (subject.coversAll) {
        if (endEntry < 0) fail(step, "no entry ends the generation");
        if (subject.keeps("end")) {
          const [found, expected] = [probabilities[endEntry], await pooledEnd(members)];
          expectNear(found, expected, ROUNDING + subject.tolerance, () =>
            fail(step, `the end has ${found}, the members' mean is ${expected}`, { found, allowed: expected }),
          );
        }
      }
      for (let entry = 0; entry < size; entry++) {
        const { length } = bytesOf(entry);
        if (entry === endEntry ? length > 0 : probabilities[entry] > 0 && length === 0)
          fail(step, entry === endEntry ? "the end has bytes" : `the entry ${entry} has no bytes and is not the end`);
      }
    },
  });
}

async function greedyIsBest(subject: Subject, fail: Break): Promise<void> {
  const greedy = await subject.walk({ members: await subject.members(), greedy: true, steps: 24 });
  const choose = following(greedy);
  const whole = await subject.walk({ members: await subject.members(), greedy: false, choose, steps: 24 });
  for (const [step, { bestString }] of greedy.steps.entries()) {
    const best = whole.steps[step]?.bestString;
    if (bestString !== best) fail(step, `greedy chooses "${bestString}", the whole distribution "${best}"`);
  }
}

async function ignoresOrder(subject: Subject, fail: Break): Promise<void> {
  const forth = await subject.walk({ members: await subject.members(), greedy: false });
  const members = (await subject.members()).reverse();
  const back = await subject.walk({ members, greedy: false, choose: following(forth) });
  for (const [step, { byString }] of forth.steps.entries()) {
    const other = back.steps[step]?.byString ?? new Map<string, number>();
    if (other.size !== byString.size) fail(step, `${byString.size} strings one way, ${other.size} the other`);
    for (const [string, probability] of byString)
      expectString(string, other.get(string) ?? Number.NaN, probability, 1e-12 + subject.tolerance, step, fail);
  }
}

async function followsWeights(subject: Subject, fail: Break): Promise<void> {
  const members = await subject.members();
  await subject.walk({
    members,
    weights: members.map((_, index) => (index === 0 ? 1 : 0)),
    greedy: false,
    inspect: async (distribution: FusedDistribution, step) => {
      const own = await ownProbabilities(members[0]);
      for (const [string, probability] of byStringOf(distribution))
        expectString(string, probability, own.get(string) ?? 0, ROUNDING + subject.tolerance, step, fail);
    },
  });
}

/** Of methods that choose among whole texts. */
async function saysCandidates(subject: Subject, fail: Break): Promise<void> {
  const members = await subject.members();
  let checked = 0;
  await subject.walk({
    members,
    inspect: ({ candidates, best, bytesOf }, step) => {
      // The end behind a span, and what a member says that goes on alone.
      if (candidates === undefined) return;
      checked++;
      const chosen = candidates.filter(({ isChosen }) => isChosen);
      if (chosen.length !== 1) fail(step, `${chosen.length} of ${candidates.length} candidates are chosen; allowed: 1`);
      const said = Buffer.from(bytesOf(best));
      if (!said.equals(chosen[0].bytes)) fail(step, `"${said}" is said, and the chosen candidate is another`);
      for (const { bytes, ends, writers, scores } of candidates) {
        if (bytes.length === 0 && !ends) fail(step, "a candidate is nothing");
        if (writers.length === 0) fail(step, "nobody wrote a candidate");
        if (scores.length !== members.length) fail(step, `${scores.length} scores for ${members.length} members`);
      }
    },
  });
  if (checked === 0) fail(undefined, "no step lists its candidates");
}

async function writesAsOne(subject: Subject, fail: Break): Promise<void> {
  const copies = await subject.copies(Math.max(2, subject.count));
  await subject.walk({
    members: copies,
    inspect: async ({ best, bytesOf }, step) => {
      const said = Buffer.from(bytesOf(best));
      let own = Buffer.alloc(0);
      const ids: number[] = [];
      while (own.length < said.length) {
        const { sayings } = await copies[0].draft(1, undefined, { behind: { ids } });
        if (sayings.length === 0 || sayings[0].id < 0) break;
        ids.push(sayings[0].id);
        own = Buffer.concat([own, sayings[0].bytes]);
      }
      if (!own.subarray(0, said.length).equals(said)) fail(step, `it says "${said}", and the member alone "${own}"`);
    },
  });
}

async function endsMembers(subject: Subject, fail: Break): Promise<void> {
  const members = await subject.members();
  const { run } = await beginRun({ ...subject.start, members });
  const { endEntry, bytesOf } = await run.step();
  if (endEntry < 0) {
    // A union of few tokens may lack the end.
    if (subject.coversAll) fail(0, "no entry ends the generation");
    return;
  }
  if (bytesOf(endEntry).length > 0) fail(0, "the end has bytes");
  await run.accept(endEntry);
  const ended = await Promise.all(
    members.map(async (member) => {
      return member.vocabulary.classOf((await member.cachedTokens()).at(-1)!) === TokenClass.end;
    }),
  );
  if (!(subject.keeps("bytes") ? ended.every(Boolean) : ended.some(Boolean)))
    fail(0, "the end was accepted, and a member's last token does not end its text", { ended });
}

async function repeatsItself(subject: Subject, fail: Break): Promise<void> {
  const once = async () =>
    subject.walk({ members: await subject.members(), greedy: false, choose: drawing(randomNumbers(9)) });
  expectSame(await once(), await once(), fail);
}

/** To the bit. */
function expectSame(found: Walk, expected: Walk, fail: Break): void {
  for (const [step, { probabilities, best }] of found.steps.entries()) {
    const other = expected.steps[step];
    if (best !== other?.best) fail(step, `best is the entry ${best}; allowed: ${other?.best}`);
    const differs = probabilities.findIndex((value, entry) => !Object.is(value, other.probabilities[entry]));
    if (differs >= 0 || probabilities.length !== other.probabilities.length) {
      const [value, wanted] = [probabilities[differs], other.probabilities[differs]];
      fail(step, `the entry ${differs} has ${value}; allowed: ${wanted}`, { found: value, allowed: wanted });
    }
  }
  if (!found.text.equals(expected.text)) fail(undefined, `the text is "${found.text}"; allowed: "${expected.text}"`);
}

function expectString(string: string, found: number, allowed: number, within: number, step: number, fail: Break): void {
  expectNear(found, allowed, within, () =>
    fail(step, `${JSON.stringify(string)} has ${found}; allowed: ${allowed}, within ${within}`, { found, allowed }),
  );
}
