/** What a request may ask beyond OpenAI's API. */
import { beforeAll, describe, expect, it } from "vitest";
import { createEnsemble, loadMembers, type Members, nativeModels } from "../../src/index.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { eventsOf, type Json, NATIVE, type Served, serving } from "./support.js";

const PATH = "/v1/chat/completions";
const QUESTION = [{ role: "user" as const, content: "What is a young deer?" }];
const at = temporaryFolder();
const files = nativeModels().map(({ name, path: model }) => ({ name, model }));
const some = at(
  "some.json",
  JSON.stringify({ members: files.slice(0, 2), method: "unite", serve: { methods: ["gac"] } }),
);
const fixed = at("fixed.json", JSON.stringify({ members: files.slice(0, 2), method: "gac" }));

let native: Served;
let others: Served;
let members: Members;
beforeAll(async () => {
  native = await serving();
  others = await serving({ ensembles: [some, fixed] });
  members = await loadMembers({ members: files, gpu: false });
  return () => members.dispose();
});

async function ask(served: Served, body: object): Promise<{ status: number; json: Json }> {
  const response = await served.post(PATH, { model: NATIVE, messages: QUESTION, max_tokens: 20, ...body });
  return { status: response.status, json: await response.json() };
}

describe("the field llamafuse", () => {
  it("tells what every member said, whole and piece by piece", async () => {
    const llamafuse = { trace: 3 };
    const { json } = await ask(native, { llamafuse });
    const [{ message, llamafuse: told }] = json.choices;
    expect(told).toMatchObject({ method: "unite", seed: expect.any(Number), steps_per_second: expect.any(Number) });
    expect(told.steps.map(({ chosen }: Json) => chosen.text).join("")).toBe(message.content);
    for (const { members: said, favourite, fused } of told.steps) {
      expect(said.map(({ name }: Json) => name)).toEqual(["robin", "wren", "finch"]);
      for (const { candidates } of said) expect(candidates.length).toBeGreaterThan(0);
      expect(favourite.length).toBeGreaterThan(0);
      expect(fused.length).toBeLessThanOrEqual(3);
    }
    const events = (
      await eventsOf(
        await native.post(PATH, { model: NATIVE, messages: QUESTION, max_tokens: 20, stream: true, llamafuse }),
      )
    ).slice(0, -1);
    const steps = events.flatMap(({ choices: [choice] }) => choice.llamafuse?.step ?? []);
    const chosen = (all: Json[]) => all.map((step) => step.chosen);
    expect(chosen(steps)).toEqual(chosen(told.steps));
    expect(events.every(({ choices: [{ logprobs }] }) => logprobs === null)).toBe(true);
    expect(events.at(-1).choices[0].llamafuse).toMatchObject({ method: "unite" });
  });

  it("chooses another method and other weights over the same members, as the library does", async () => {
    for (const method of ["gac", "product", { name: "unite", k: 3 }]) {
      const { json } = await ask(native, { llamafuse: { method } });
      await using ensemble = await createEnsemble({ members, method: method as "gac" });
      expect(json.choices[0].llamafuse.method).toBe(ensemble.methodName);
      expect(json.choices[0].message.content).toBe((await ensemble.generate(QUESTION, { maxTokens: 20 })).text);
    }
    const { json } = await ask(native, { llamafuse: { weights: { robin: 0, finch: 0 } } });
    await using alone = await createEnsemble({ members: members.only("wren"), method: "single" });
    expect(json.choices[0].message.content).toBe((await alone.generate(QUESTION, { maxTokens: 20 })).text);
  });

  it.each([
    [{ method: "unit" }, "llamafuse.method"],
    [{ method: { name: "unite", kk: 3 } }, "llamafuse.method"],
    [{ method: { name: "unite", k: "ten" } }, "llamafuse.method"],
    [{ method: { name: "cds", classifier: "/etc/passwd" } }, "llamafuse.method.classifier"],
    [{ method: 3 }, "llamafuse.method"],
    [{ weights: { robbin: 1 } }, "llamafuse.weights.robbin"],
    [{ weights: { robin: 0, wren: 0, finch: 0 } }, "llamafuse.weights"],
    [{ weights: { robin: -1 } }, "llamafuse.weights.robin"],
    [{ trace: 0 }, "llamafuse.trace"],
    [{ trace: 50 }, "llamafuse.trace"],
    [{ traces: 5 }, "llamafuse.traces"],
  ])("is refused where it is wrong: %j", async (llamafuse, param) => {
    const { status, json } = await ask(native, { llamafuse });
    expect(json.error).toMatchObject({ type: "invalid_request_error", param });
    expect(status).toBe(400);
  });

  it("changes no more than the ensemble's file allows", async () => {
    const card = async (id: string) => (await (await fetch(`${others.server.address}/v1/models/${id}`)).json()) as Json;
    expect((await card("some")).llamafuse).toMatchObject({ methods: ["unite", "gac"], weights: false });
    expect((await card("fixed")).llamafuse).toMatchObject({ methods: ["gac"], weights: false });
    const refused = async (model: string, llamafuse: object) =>
      (await ask(others, { model, llamafuse })).json.error?.param;
    expect(await refused("some", { method: "gac" })).toBe(undefined);
    expect(await refused("some", { method: "unite" })).toBe(undefined);
    expect(await refused("some", { method: "product" })).toBe("llamafuse.method");
    expect(await refused("some", { weights: { robin: 2 } })).toBe("llamafuse.weights");
    expect(await refused("fixed", { method: "unite" })).toBe("llamafuse.method");
    expect(await refused("fixed", { trace: 2 })).toBe(undefined);
  });
});
