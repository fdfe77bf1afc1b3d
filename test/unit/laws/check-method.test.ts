/** What breaks a law is refused by the law's name, and by the step where it shows. */
import { describe, expect, it } from "vitest";
import { defineMethod } from "../../../src/during/define-method.js";
import type { FusedDistribution, MethodContext, MethodRun } from "../../../src/during/method.js";
import { gac } from "../../../src/during/token/gac.js";
import { unite } from "../../../src/during/token/unite/unite.js";
import { checkMethod, lawsOf, scriptedEnsembles } from "../../../src/laws/index.js";

const [spAndBpe] = scriptedEnsembles;
const CHECK = { members: [spAndBpe] };

/** Unite, whose steps are changed. */
function changed(
  change: (distribution: FusedDistribution, context: MethodContext) => FusedDistribution,
  accept?: (run: MethodRun, entry: number, context: MethodContext) => void | Promise<void>,
) {
  return defineMethod({
    name: "mine",
    summary: "",
    source: "-",
    requires: "",
    needs: () => ({ topDepth: 10, lookup: "all", goingBack: true }),
    create: (context) => {
      const run = unite.create(context, unite.check({}));
      return {
        prepare: () => run.prepare(),
        step: async () => change(await run.step(), context),
        accept: (entry) => (accept === undefined ? run.accept(entry) : accept(run, entry, context)),
      };
    },
    laws: [{ covers: "some" }],
  });
}

const scaled = (distribution: FusedDistribution, factor: (entry: number) => number): FusedDistribution => {
  const { size, probabilities } = distribution;
  return { ...distribution, probabilities: probabilities.slice(0, size).map((value, entry) => value * factor(entry)) };
};

/** All of the first string's probability is somebody's whose name comes first. */
const partial = (distribution: FusedDistribution, { voices }: MethodContext): FusedDistribution => {
  const [first] = voices;
  const { size, probabilities } = distribution;
  const favourite = first.member.output.topLogits[0] % 1 > 0.5 ? 0 : 1;
  const moved = probabilities.slice(0, size).map((value, entry) => value / 2 + (entry === favourite ? 0.5 : 0));
  return { ...distribution, probabilities: moved, best: moved.indexOf(Math.max(...moved)) };
};

describe("the laws of a method that somebody brings", () => {
  it("hold for one that keeps them, each by its name", async () => {
    const checked = await checkMethod(
      changed((distribution) => distribution),
      CHECK,
    );
    expect(checked.length).toBeGreaterThan(10);
    expect(checked[0]).toMatch(/^mine on SentencePiece and BPE: /);
  });

  it.each([
    ["probabilities that do not sum to 1", changed((given) => scaled(given, () => 0.9)), /gives distributions.*step 1/],
    ["a probability that is NaN", changed((given) => scaled(given, (entry) => (entry === 1 ? Number.NaN : 1))), /NaN/],
    ["a best entry that is not", changed((given) => ({ ...given, best: given.size - 1 })), /best is the entry/],
    ["a favourite member", changed(partial), /with copies of a member is that member/],
    [
      "bytes that reach one member only",
      changed(
        (given) => given,
        (run, entry, { voices }) => {
          void run;
          void entry;
          for (const { member } of voices.slice(0, 1)) member.append({ kind: "text", bytes: Buffer.from("x") });
        },
      ),
      /breaks the law "(hands back|gives|with copies)/,
    ],
    [
      "an error that is not ours",
      changed(() => {
        throw new TypeError("no such thing");
      }),
      /it ended with the error no such thing/,
    ],
  ])("refuse %s", async (_, method, message) => {
    const found = await checkMethod(method, CHECK).catch((error: unknown) => error);
    expect(found).toMatchObject({ code: "broken-law", message: expect.stringMatching(message) });
    expect(found).toMatchObject({ details: { law: expect.any(String), what: expect.stringContaining("mine") } });
  });

  it("are those without its exemptions", async () => {
    const names = (await lawsOf(gac, CHECK)).map(({ name }) => name);
    const [first] = names.map((name) => name.split(" on ")[0]);
    expect(names.filter((name) => name.startsWith(`${first} on`) && name.endsWith("order"))).toHaveLength(1);
    expect(names.filter((name) => name.includes("threshold") && name.endsWith("order"))).toHaveLength(0);
  });

  it("refuse a method that has no laws, and one that takes none of the members", async () => {
    const none = Object.assign(
      changed((given) => given),
      { laws: [] },
    );
    await expect(checkMethod(none)).rejects.toMatchObject({ code: "invalid-option", message: /has no laws/ });
    await expect(checkMethod(gac, { members: [] })).rejects.toMatchObject({ code: "incompatible-members" });
  });
});
