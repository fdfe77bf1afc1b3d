/** Servers that die, hang, answer nonsense or become others: one error that names the member, or the rest goes on. */
import { describe, expect, it } from "vitest";
import { createEnsemble, type Ensemble } from "../../../../src/index.js";
import type { ServerMemberOptions } from "../../../../src/member/member-options.js";
import type { Faults, ModelServer } from "../../../support/model-server.js";
import { refusal } from "../../../support/refusal.js";
import { memberAt, nativeFile, servers } from "./servers.js";

const PROMPT = "Question: What is a young goat?\nAnswer:";
const REQUEST = { maxTokens: 8 };
const { serve, at } = servers();
let shared: Promise<ModelServer> | undefined;
/** One server for all: its faults are set when an ensemble stands over it. */
const wren = () => (shared ??= serve("wren", "llama-server"));

async function over<T>(
  work: (ensemble: Ensemble, server: ModelServer) => Promise<T>,
  options: { onMemberFailure?: "continue"; timeoutMs?: number } & Pick<ServerMemberOptions, "apiKeyFile"> = {},
): Promise<T> {
  const { apiKeyFile, ...rest } = options;
  const server = await wren();
  server.faults = {};
  await using ensemble = await createEnsemble({
    members: [{ model: nativeFile("robin"), name: "near" }, memberAt(server, { name: "far", apiKeyFile })],
    method: { name: "unite", k: 10 },
    ...rest,
  });
  try {
    return await work(ensemble, server);
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
    await over(
      async (ensemble, server) => {
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
      },
      { onMemberFailure: "continue" },
    );
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

  it("hangs: an error after timeoutMs, and at once for a cancelled request", async () => {
    await over(
      async (ensemble, server) => {
        const controller = new AbortController();
        server.faults.onCompletion = () => {
          controller.abort();
          return "answered";
        };
        const result = await ensemble.generate(PROMPT, { ...REQUEST, signal: controller.signal });
        expect(result.finishReason).toBe("aborted");
        server.faults.onCompletion = () => "answered";
        const error = await refusal(() => ensemble.generate(PROMPT, REQUEST));
        expect({ code: error.code, member: error.details.member }).toEqual({ code: "member-hung", member: "far" });
      },
      // Long enough for a slow machine to open the member within.
      { timeoutMs: 8000 },
    );
  });

  it("is not there when the ensemble is loaded", async () => {
    const error = await refusal(() => createEnsemble({ members: ["http://127.0.0.1:9"] }));
    expect(error.code).toBe("member-failed");
    expect(error.message).toMatch(/127\.0\.0\.1:9.*cannot be reached/);
  });

  it("gets the key of the file, and a key that is none is refused", async () => {
    const bad = at("bad.key", "two\nlines");
    const error = await refusal(() => over(async () => {}, { apiKeyFile: bad }));
    expect(error.code).toBe("invalid-data");
  });
});
