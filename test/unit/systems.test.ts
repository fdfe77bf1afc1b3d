/** From a call to something that answers: what is refused, and what stands over members that are loaded once. */
import { describe, expect, it } from "vitest";
import { createEnsemble, loadMembers, type MethodOptions } from "../../src/index.js";
import { bytePairVocabulary, randomMember, sentencePieceVocabulary } from "../../src/laws/scripted-members.js";
import type { Member } from "../../src/member/member.js";
import { refusal } from "../support/refusal.js";

const bpe = bytePairVocabulary();
const sp = sentencePieceVocabulary();
const pair = () => [randomMember(1, bpe, { name: "a" }), randomMember(2, sp, { name: "b" })];
const create = (options?: unknown) => createEnsemble(options as never);
const GOOD = { maxTokens: 6, seed: 1 };

const throwing = {
  get members() {
    throw new TypeError("no");
  },
};
const closed = new Proxy(
  {},
  {
    ownKeys() {
      throw new RangeError("closed");
    },
  },
);

describe("createEnsemble", () => {
  it.each<[string, unknown, RegExp]>([
    ["nothing", undefined, /must be an object, as \{ members/],
    ["null", null, /must be an object.*found null/],
    ["a path alone", "a.gguf", /must be an object.*found "a\.gguf"/],
    ["a list", [], /must be an object/],
    ["a function", () => {}, /must be an object.*a function/],
    ["a getter that throws", throwing, /cannot be read: no/],
    ["a proxy that throws", closed, /cannot be read: closed/],
    ["no members", {}, /at least one member/],
    ["members that are a text", { members: "a.gguf" }, /list|at least one member/],
    ["an empty list of members", { members: [] }, /at least one member/],
    ["a member that is null", { members: [null] }, /options of a member must be an object/],
    ["a member that is a number", { members: [4] }, /options of a member must be an object/],
    ["a member that is an empty text", { members: [""] }, /needs a model/],
    [
      "a misspelt option",
      { members: ["a"], shedule: "auto" },
      /Unknown option of createEnsemble "shedule".*"schedule"/,
    ],
    [
      "a misspelt option of a member",
      { members: [{ model: "a", wieght: 2 }] },
      /option of a member "wieght".*"weight"/,
    ],
    ["a weight that is a text", { members: [{ model: "a", weight: "2" }] }, /weight is "2"/],
    ["a name that is a number", { members: [{ model: "a", name: 3 }] }, /name is 3/],
    ["a model that is an address object", { members: [{ model: new URL("https://a.b") }] }, /needs a model/],
    ["a schedule that is no text", { members: ["a"], schedule: Symbol("x") }, /Unknown schedule/],
    ["a GPU that is unknown", { members: ["a"], gpu: "cudaa" }, /gpu is "cudaa"/],
    ["a GPU that is a symbol", { members: ["a"], gpu: Symbol("x") }, /gpu is Symbol/],
    ["logs that are no choice", { members: ["a"], logs: true }, /logs is true/],
    ["a timeout that is a text", { members: ["a"], timeoutMs: "5" }, /timeoutMs is "5"/],
    ["progress that is no function", { members: ["a"], onProgress: "bar" }, /onProgress is "bar"/],
    ["a signal that is null", { members: ["a"], signal: null }, /signal is null/],
    [
      "a controller for a signal",
      { members: ["a"], signal: new AbortController() },
      /signal is .*allowed is an AbortSignal/,
    ],
    ["a method that is a number", { members: ["a"], method: 5 }, /method is 5/],
    ["a method without a name", { members: ["a"], method: { k: 3 } }, /The method is .*give its name/],
    ["an unknown method", { members: ["a"], method: "unit" }, /Unknown method "unit".*"unite".*routers: knn/],
    ["an unknown router", { members: ["a"], method: { name: "knm" } }, /"knn"/],
    ["a router alone", { members: ["a"], method: "knn" }, /needs a fitted router file/],
    ["a router that is null", { members: ["a"], method: { name: "knn", router: null } }, /needs a fitted router file/],
    [
      "an option of a router that is none",
      { members: ["a"], method: { name: "knn", router: "r.json", k: 3 } },
      /Unknown option of knn "k"/,
    ],
    ["a misspelt option of a method", { members: ["a"], method: { name: "unite", kk: 3 } }, /"kk"/],
    ["citer without its router", { members: pair(), method: "citer" }, /router/],
    [
      "a member that the method names and nobody is",
      { members: pair(), method: { name: "fusion", rule: { name: "contrast", expert: "owl" } } },
      /owl/,
    ],
    ["too many members", { members: pair(), method: "single" }, /single/],
  ])("refuses %s with one typed error", async (_, options, message) => {
    const error = await refusal(() => create(options));
    expect(error.code).toMatch(/invalid-option|incompatible-members/);
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain("\n");
  });

  it("takes a method by its name, and unite where none is given", async () => {
    await using gac = await createEnsemble({ members: pair(), method: "gac", schedule: "in-turn" });
    await using usual = await createEnsemble({ members: pair(), schedule: "in-turn" });
    expect([gac.methodName, usual.methodName]).toEqual(["gac", "unite"]);
  });

  it("takes the path of a model as a member", async () => {
    const error = await refusal(() => create({ members: ["nowhere.gguf", "robin"] }));
    expect(error).toMatchObject({ code: "file-unreadable", message: expect.stringContaining("nowhere.gguf") });
  });

  it("ends with one typed error whenever the loading is cancelled", async () => {
    for (const delay of [0, 1, 5, 20, 60]) {
      const stop = new AbortController();
      const work = createEnsemble({ members: ["robin", "wren"], method: "gac", gpu: false, signal: stop.signal });
      setTimeout(() => stop.abort(), delay);
      const outcome = await work.then(
        async (ensemble) => {
          await ensemble.dispose();
          return "loaded";
        },
        (error) => error.code,
      );
      expect(["aborted", "loaded"]).toContain(outcome);
    }
  });

  it("leaves members that were made elsewhere to their maker where it fails", async () => {
    const members = pair();
    await refusal(() => create({ members, method: "citer" }));
    await using ensemble = await createEnsemble({ members, method: "gac", schedule: "in-turn" });
    expect((await ensemble.generate("the cat", GOOD)).usage.steps).toBeGreaterThan(0);
  });
});

describe("members that are loaded once", () => {
  const METHODS: MethodOptions[] = [
    { name: "unite" },
    { name: "gac" },
    { name: "product" },
    { name: "abe" },
    { name: "me" },
  ];

  it("answer under every method as members of their own do, also when all ask at once", async () => {
    await using members = await loadMembers({ members: pair(), schedule: "in-turn" });
    const over = await Promise.all(METHODS.map((method) => createEnsemble({ members, method })));
    const together = await Promise.all(over.map((ensemble) => ensemble.generate("the cat", GOOD)));
    for (const [index, method] of METHODS.entries()) {
      await using own = await createEnsemble({ members: pair(), method, schedule: "in-turn" });
      expect(together[index].text).toBe((await own.generate("the cat", GOOD)).text);
    }
  });

  it("stay when an ensemble over them is disposed of, and take all with them", async () => {
    const members = await loadMembers({ members: pair(), schedule: "in-turn" });
    const [first, second] = [await createEnsemble({ members }), await createEnsemble({ members, method: "gac" })];
    await first.dispose();
    expect((await refusal(() => first.generate("the cat"))).code).toBe("disposed");
    expect((await second.generate("the cat", GOOD)).method).toBe("gac");
    await members.dispose();
    expect((await refusal(() => second.generate("the cat"))).message).toMatch(/loadMembers/);
    expect((await refusal(() => create({ members }))).code).toBe("disposed");
  });

  it("are named, weighted, and can be taken in part", async () => {
    const made = [...pair(), randomMember(3, bpe, { name: "c" })];
    await using members = await loadMembers({ members: made as Member[], schedule: "in-turn" });
    expect(members.names).toEqual(["a", "b", "c"]);
    const part = members.only("c", "a");
    expect(part.weights).toEqual({ c: 0.5, a: 0.5 });
    expect(part.plan.threads).toHaveLength(2);
    await part.dispose();
    await using alone = await createEnsemble({ members: part.only("c"), method: "single" });
    expect(Object.keys((await alone.generate("the cat", GOOD)).usage.memberTokens)).toEqual(["c"]);
    expect((await refusal(() => members.only("d"))).message).toMatch(/Unknown member "d"/);
    expect((await refusal(() => members.only())).code).toBe("invalid-option");
    expect((await refusal(() => members.only("a", "a"))).code).toBe("invalid-option");
  });

  it("refuse what was to be said when they were loaded", async () => {
    await using members = await loadMembers({ members: pair(), schedule: "in-turn" });
    expect((await refusal(() => create({ members, schedule: "parallel" }))).message).toMatch(/Give it to loadMembers/);
    expect((await refusal(() => create({ members, timeoutMs: 5 }))).message).toMatch(/loadMembers/);
  });
});
