/** Servers that die, hang, answer nonsense or become others: one error that names the member, or the rest goes on. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, describe, expect, it } from "vitest";
import { createEnsemble, type Ensemble } from "../../../../src/index.js";
import type { Faults, ModelServer } from "../../../support/model-server.js";
import { refusal } from "../../../support/refusal.js";
import { memberAt, nativeFile, servers } from "./servers.js";

const PROMPT = "Question: What is a young goat?\nAnswer:";
const REQUEST = { maxTokens: 8 };
const { serve, at } = servers();
let shared: Promise<ModelServer> | undefined;
/** One server for all: its faults are set when an ensemble stands over it. */
const wren = () => (shared ??= serve("wren", "llama-server"));

const ensembles = new Map<string, Promise<Ensemble>>();
afterAll(async () => {
  for (const ensemble of ensembles.values()) await (await ensemble).dispose();
});

async function over(
  work: (ensemble: Ensemble, server: ModelServer) => Promise<void>,
  onMemberFailure: "fail" | "continue" = "fail",
): Promise<void> {
  const server = await wren();
  server.faults = {};
  if (!ensembles.has(onMemberFailure)) {
    const members = [{ model: nativeFile("robin"), name: "near" }, memberAt(server, { name: "far" })];
    ensembles.set(onMemberFailure, createEnsemble({ members, method: { name: "unite", k: 10 }, onMemberFailure }));
  }
  const ensemble = await ensembles.get(onMemberFailure)!;
  try {
    await work(ensemble, server);
  } finally {
    server.faults = {};
  }
}

/** Faults that begin with the so-many-th completion of the answer. */
const FAULTS: Record<string, { faults: (from: () => number) => Faults; message: RegExp }> = {
  "breaks every connection": {
    faults: (from) => ({
      onCompletion: (count, response) => {
        if (count < from()) return undefined;
        response.destroy();
        return "answered";
      },
    }),
    message: /cannot be reached.*3 tries/,
  },
  "answers with half of a JSON": {
    faults: (from) => ({ change: (answer, count) => (count < from() ? answer : '{"completion_prob') }),
    message: /what is not JSON/,
  },
  "answers with another JSON": {
    faults: (from) => ({ change: (answer, count) => (count < from() ? answer : { completion_probabilities: "yes" }) }),
    message: /answers \/completion with nonsense/,
  },
  "lists nothing": {
    faults: (from) => ({
      change: (answer, count) => (count < from() ? answer : { ...answer, completion_probabilities: [] }),
    }),
    message: /lists no token/,
  },
  "gives log-probabilities of 0": {
    faults: (from) => ({
      change: (answer, count) =>
        count < from() ? answer : JSON.parse(JSON.stringify(answer).replace(/"logprob":[-\d.e]+/g, '"logprob":0')),
    }),
    message: /log-probability 0.*speculative/,
  },
  "gives log-probabilities above 0": {
    faults: (from) => ({
      change: (answer, count) =>
        count < from() ? answer : JSON.parse(JSON.stringify(answer).replace(/"logprob":-/g, '"logprob":')),
    }),
    message: /0 is the largest there is/,
  },
  "becomes another model": {
    faults: (from) => ({ change: (answer, count) => (count < from() ? answer : { ...answer, model: "other" }) }),
    message: /now answers as "other"/,
  },
  "has other tokens": {
    faults: (from) => ({
      change: (answer, count) =>
        count < from() ? answer : JSON.parse(JSON.stringify(answer).replace(/"bytes":\[(\d+)/g, '"bytes":[1,$1')),
    }),
    message: /other tokens than at the start/,
  },
};

describe("a server that fails", () => {
  for (const [name, { faults, message }] of Object.entries(FAULTS)) {
    it(`${name}: an error that names the member, at the prompt and at a later step`, async () => {
      await over(async (ensemble, server) => {
        for (const step of [0, 2]) {
          let first: number | undefined;
          const inner = faults(() => (first ?? 0) + step);
          server.faults = {
            ...inner,
            onCompletion: (count, response) => {
              first ??= count;
              return inner.onCompletion?.(count, response);
            },
          };
          const error = await refusal(() => ensemble.generate(PROMPT, REQUEST));
          expect({ code: error.code, message: error.message, member: error.details.member }).toEqual({
            code: "member-failed",
            message: expect.stringMatching(message),
            member: "far",
          });
        }
        server.faults = {};
        expect((await ensemble.generate(PROMPT, REQUEST)).text.length).toBeGreaterThan(0);
      });
    });
  }

  it("is left behind where the ensemble continues, and named in the result", async () => {
    await over(async (ensemble, server) => {
      const whole = await ensemble.generate(PROMPT, REQUEST);
      expect(whole.dropped ?? []).toEqual([]);
      let first: number | undefined;
      server.faults.onCompletion = (count, response) => {
        first ??= count;
        if (count < first + 2) return undefined;
        response.destroy();
        return "answered";
      };
      const { dropped, text } = await ensemble.generate(PROMPT, REQUEST);
      expect(dropped).toMatchObject([{ name: "far", code: "member-failed" }]);
      expect(text.length).toBeGreaterThan(0);
    }, "continue");
  });

  it("breaks one connection: the request is repeated, and the answer is the same", async () => {
    await over(async (ensemble, server) => {
      const { text } = await ensemble.generate(PROMPT, REQUEST);
      let broken = 0;
      server.faults.onCompletion = (count, response) => {
        if (count % 3 !== 0 || broken > 2) return undefined;
        broken++;
        response.destroy();
        return "answered";
      };
      expect((await ensemble.generate(PROMPT, REQUEST)).text).toBe(text);
      expect(broken).toBeGreaterThan(0);
    });
  });

  it("restarts with another model: the repeated request finds out", async () => {
    await over(async (ensemble, server) => {
      server.faults.onCompletion = (_, response) => {
        server.faults.model = "other";
        response.destroy();
        return "answered";
      };
      const error = await refusal(() => ensemble.generate(PROMPT, REQUEST));
      expect(error.message).toMatch(/"far".*has another model/);
    });
  });

  it("hangs: a cancelled request ends all the same", async () => {
    await over(async (ensemble, server) => {
      const controller = new AbortController();
      server.faults.onCompletion = () => {
        controller.abort();
        return "answered";
      };
      const { finishReason } = await ensemble.generate(PROMPT, { ...REQUEST, signal: controller.signal });
      expect(finishReason).toBe("aborted");
    });
  });

  it("never answers: an error after timeoutMs that names the member", async () => {
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const error = await refusal(() => createEnsemble({ members: [{ url, name: "far" }], timeoutMs: 50 }));
    expect({ code: error.code, member: error.details.member }).toEqual({ code: "member-hung", member: "far" });
    silent.closeAllConnections();
    silent.close();
  });

  it("is not there when the ensemble is loaded", async () => {
    const error = await refusal(() => createEnsemble({ members: ["http://127.0.0.1:9"] }));
    expect(error.code).toBe("member-failed");
    expect(error.message).toMatch(/127\.0\.0\.1:9.*cannot be reached/);
  });

  it("gets the key of the file, and a key that is none is refused", async () => {
    const heard: (string | undefined)[] = [];
    const guarded = createServer(({ headers }, response) => {
      heard.push(headers.authorization);
      response.writeHead(401).end("{}");
    }).listen(0, "127.0.0.1");
    await once(guarded, "listening");
    const url = `http://127.0.0.1:${(guarded.address() as AddressInfo).port}`;
    const load = (apiKeyFile: string) => createEnsemble({ members: [{ url, kind: "llama-server", apiKeyFile }] });
    const refused = await refusal(() => load(at("good.key", "secret-1\n")));
    expect(refused.message).toMatch(/status 401/);
    expect(refused.message).not.toContain("secret-1");
    expect(heard).toEqual(["Bearer secret-1"]);
    const error = await refusal(() => load(at("bad.key", "two\nlines")));
    expect(error.code).toBe("invalid-data");
    expect(heard.length).toBe(1);
    guarded.close();
  });
});

it("says of a server that is none of models what it lacks, not that a tokenizer is missing", async () => {
  const server = createServer((_, response) => response.writeHead(404).end("no")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const error = await refusal(() =>
      createEnsemble({ members: [{ url, name: "far" }], method: "single", gpu: false }),
    );
    expect([error.code, error.message]).toEqual(["member-failed", expect.stringContaining("has no /v1/models")]);
  } finally {
    server.close();
  }
});
