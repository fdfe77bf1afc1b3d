/** Ensembles with members on servers: the same answers as on this machine, by library and ensemble file, and what fails. */
import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createEnsemble, type EnsembleOptions, readEnsembleFile } from "../../../../src/index.js";
import { refusal } from "../../../support/refusal.js";
import { memberAt, nativeFile, servers } from "./servers.js";

const PROMPT = "Question: What is a young goat?\nAnswer:";
const REQUEST = { maxTokens: 12 };
const { serve, tokenizer, at } = servers();

async function answer(options: EnsembleOptions) {
  await using ensemble = await createEnsemble(options);
  return await ensemble.generate(PROMPT, REQUEST);
}

describe("an ensemble with members on servers", () => {
  it("says what it says with the same models here: top-k methods, servers of two kinds", async () => {
    const [robin, wren] = [await serve("robin", "llama-server"), await serve("wren", "vllm")];
    const far = [memberAt(robin), memberAt(wren, { tokenizer: await tokenizer() })];
    const near = [nativeFile("robin"), nativeFile("wren")];
    for (const method of [{ name: "unite", k: 10 }, { name: "single" }] as const) {
      const count = method.name === "single" ? 1 : 2;
      const [here, there] = [
        await answer({ members: near.slice(-count), method }),
        await answer({ members: far.slice(-count), method }),
      ];
      expect(there.text, method.name).toBe(here.text);
    }
    const mixed = await answer({ members: [near[0], far[1]], method: { name: "unite", k: 10 } });
    expect(mixed.text).toBe((await answer({ members: near, method: { name: "unite", k: 10 } })).text);
  });

  it("runs methods over whole vocabularies where a llama-server lists all tokens, and refuses them by name elsewhere", async () => {
    const [robin, wren] = [await serve("robin", "llama-server"), await serve("wren", "llama-server")];
    const whole = [robin, wren].map((server) => memberAt(server, { topDepth: "all" }));
    const method = { name: "gac" } as const;
    expect((await answer({ members: whole, method })).text).toBe(
      (await answer({ members: [nativeFile("robin"), nativeFile("wren")], method })).text,
    );
    const error = await refusal(() =>
      answer({ members: [memberAt(robin, { name: "far" }), nativeFile("wren")], method }),
    );
    expect(error.code).toBe("incompatible-members");
    expect(error.message).toMatch(/"far" \(llama-server\) does not offer the logits of all tokens.*unite/);
  });

  it("is read from an ensemble's file, whose paths are the file's", async () => {
    const wren = await serve("wren", "vllm");
    await tokenizer();
    const file = at("ensemble.json");
    const members = [
      { url: `${wren.url}/v1`, kind: "vllm", tokenizer: "wren/tokenizer.json", name: "far" },
      nativeFile("robin"),
    ];
    writeFileSync(file, JSON.stringify({ members, method: { name: "unite", k: 5 } }));
    const options = (await readEnsembleFile(file)) as EnsembleOptions;
    expect(options.members[0]).toMatchObject({ url: `${wren.url}/v1`, tokenizer: at("wren/tokenizer.json") });
    expect((await answer(options)).text.length).toBeGreaterThan(0);
  });

  it("refuses what a server cannot be told, and what a file needs no server for", async () => {
    const url = "http://127.0.0.1:9";
    const cases: [object, RegExp][] = [
      [{ url, threads: 2 }, /threads is the server's own affair/],
      [{ model: "a.gguf", kind: "vllm" }, /kind is an option of members on a server/],
      [{ url, kind: "tgi" }, /Unknown kind of server "tgi"/],
      [{ url, topDepth: 0 }, /topDepth/],
      [{ url: "gpu-box:8080" }, /url/],
      [{ url, model: "a.gguf" }, /Give one of them/],
    ];
    for (const [member, message] of cases) {
      const error = await refusal(() => answer({ members: [member as { url: string }] }));
      expect({ code: error.code, message: error.message }).toEqual({
        code: "invalid-option",
        message: expect.stringMatching(message),
      });
    }
  });

  it("refuses a tokenizer.json of another model, and a server that needs one without it", async () => {
    const robin = await serve("robin", "vllm");
    const openai = await serve("robin", "openai");
    for (const server of [robin, openai]) {
      const error = await refusal(async () =>
        answer({ members: [memberAt(server, { tokenizer: await tokenizer() })] }),
      );
      expect(error.message).toMatch(/tokenizer\.json of the model that it serves/);
    }
    const bare = await refusal(() => answer({ members: [memberAt(openai)] }));
    expect(bare.message).toMatch(/does not tell its vocabulary.*tokenizer: "FILE"/);
  });

  it("takes the depth that a server allows", async () => {
    const shallow = await serve("wren", "openai", { most: 5 });
    const result = await answer({
      members: [memberAt(shallow, { tokenizer: await tokenizer() }), nativeFile("robin")],
      method: { name: "unite", k: 5 },
    });
    expect(result.text.length).toBeGreaterThan(0);
    const error = await refusal(async () =>
      answer({
        members: [memberAt(shallow, { tokenizer: await tokenizer() }), nativeFile("robin")],
        method: { name: "unite", k: 10 },
      }),
    );
    expect(error.message).toMatch(/its 10 most probable tokens \(it offers 5\)/);
  });
});
