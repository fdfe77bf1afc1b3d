/** Who waits, who is sent away, and what ends a request: over members that stop where a test wants them to. */
import { describe, expect, it } from "vitest";
import type { ScriptedMember } from "../../src/index.js";
import { scriptedSpeaker } from "../support/speaker.js";
import { eventsOf, type Json, scriptedApp } from "./support.js";

const CHAT = "/v1/chat/completions";
const ask = (model: string, more: object = {}) => ({
  model,
  messages: [{ role: "user", content: "go" }],
  max_tokens: 2000,
  ...more,
});

/** A member that says "on" for ever, and stands still at a step until it is let go. */
function gated(at = Number.POSITIVE_INFINITY): {
  member: ScriptedMember;
  steps(): number;
  reached: Promise<void>;
  open(): void;
} {
  const member = scriptedSpeaker({
    name: "gated",
    pieces: [" on"],
    controls: ["<|im_start|>"],
    next: { " on": " on", "\n": " on" },
  });
  let steps = 0;
  let reach = () => {};
  let open = () => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  // Members are timed when they are loaded.
  let isAsked = false;
  const [begin, advance] = [member.begin.bind(member), member.advance.bind(member)];
  member.begin = (prompt, ...rest) => {
    isAsked = Buffer.from(prompt.text).includes("go");
    return begin(prompt, ...rest);
  };
  member.advance = async () => {
    if (isAsked && ++steps === at) {
      reach();
      await gate;
    }
    return await advance();
  };
  return { member, steps: () => steps, reached, open };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

describe("the queue", () => {
  it("takes requests in turn, and sends away what is too much with 429 and Retry-After", async () => {
    const gate = gated(3);
    const { post, models } = scriptedApp({ a: gate.member }, { waiting: 2 });
    const first = post(CHAT, ask("a", { max_tokens: 5 }));
    await gate.reached;
    const second = post(CHAT, ask("a", { max_tokens: 5 }));
    const third = post(CHAT, ask("a", { max_tokens: 5, stream: true }));
    await settled();
    expect(models.find("a").line).toMatchObject({ running: 1, waiting: 2 });
    for (const stream of [false, true]) {
      const refused = await post(CHAT, ask("a", { stream }));
      expect(refused.status).toBe(429);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(await refused.json()).toMatchObject({ error: { type: "rate_limit_error", code: "queue_full" } });
    }
    gate.open();
    const text = " on".repeat(5);
    for (const response of [await first, await second]) {
      expect(((await response.json()) as Json).choices[0].message.content).toBe(text);
    }
    expect((await eventsOf(await third)).at(-1)).toBe("[DONE]");
    expect(models.find("a").line).toMatchObject({ running: 0, waiting: 0 });
  });

  it("does not hold up one model for another", async () => {
    const gate = gated(2);
    const { post } = scriptedApp({ a: gate.member, b: gated().member });
    const first = post(CHAT, ask("a", { max_tokens: 3 }));
    expect((await post(CHAT, ask("b", { max_tokens: 1 }))).status).toBe(200);
    gate.open();
    expect((await first).status).toBe(200);
  });
});

describe("a client that leaves", () => {
  it("ends its answer within a step, whole or piece by piece", async () => {
    for (const stream of [false, true]) {
      const gate = gated(10);
      const { post, models } = scriptedApp({ a: gate.member });
      const client = new AbortController();
      const answer = post(CHAT, ask("a", { stream }), client.signal);
      answer.catch(() => {});
      await gate.reached;
      client.abort();
      gate.open();
      // The next one has its turn as soon as the answer has ended.
      expect((await post(CHAT, ask("a", { max_tokens: 0, max_completion_tokens: 0 }))).status).toBe(200);
      expect(gate.steps()).toBeLessThanOrEqual(11);
      expect(models.find("a").line.running).toBe(0);
    }
  });

  it("leaves the queue at once", async () => {
    const gate = gated(1);
    const { post, models } = scriptedApp({ a: gate.member });
    const first = post(CHAT, ask("a", { max_tokens: 2 }));
    await gate.reached;
    const client = new AbortController();
    const second = post(CHAT, ask("a"), client.signal);
    await settled();
    expect(models.find("a").line.waiting).toBe(1);
    client.abort();
    await second.catch(() => {});
    expect(models.find("a").line.waiting).toBe(0);
    gate.open();
    expect((await first).status).toBe(200);
  });

  it("and stops reading events ends its answer too", async () => {
    const gate = gated();
    const { post, models } = scriptedApp({ a: gate.member });
    const response = await post(CHAT, ask("a", { stream: true, max_tokens: 100_000 }));
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    expect((await post(CHAT, ask("a", { max_tokens: 1 }))).status).toBe(200);
    expect(models.find("a").line.running).toBe(0);
    expect(gate.steps()).toBeLessThan(50_000);
  });
});

describe("a deadline", () => {
  it("ends what runs and what waits with 504", async () => {
    const gate = gated(2);
    const { post } = scriptedApp({ a: gate.member }, { deadlineMs: 500 });
    const first = post(CHAT, ask("a"));
    await gate.reached;
    const second = await post(CHAT, ask("a"));
    expect(second.status).toBe(504);
    expect(await second.json()).toMatchObject({ error: { code: "timed_out", type: "server_error" } });
    gate.open();
    expect((await first).status).toBe(504);
  });

  it("behind the first event is an event, and no mark of the end follows", async () => {
    const gate = gated(4);
    const { post, failures } = scriptedApp({ a: gate.member }, { deadlineMs: 1000 });
    const response = await post(CHAT, ask("a", { stream: true }));
    expect(response.status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    gate.open();
    const events = await eventsOf(response);
    expect(events.at(-1)).toMatchObject({ error: { code: "timed_out" } });
    expect(events).not.toContain("[DONE]");
    expect(failures).toEqual([]);
  });
});

describe("a reader that takes nothing", () => {
  it("is dropped, and its answer ended, while others are answered", async () => {
    const gate = gated();
    const { post, models } = scriptedApp({ a: gate.member }, { stallMs: 20 });
    const response = await post(CHAT, ask("a", { stream: true, max_tokens: 1_000_000 }));
    expect((await post(CHAT, ask("a", { max_tokens: 1 }))).status).toBe(200);
    expect(models.find("a").line.running).toBe(0);
    await expect(response.text()).rejects.toThrow();
  });

  it("is dropped where it is too far behind", async () => {
    const { post } = scriptedApp({ a: gated().member }, { unreadBytes: 10_000 });
    const response = await post(CHAT, ask("a", { stream: true, max_tokens: 1_000_000 }));
    expect((await post(CHAT, ask("a", { max_tokens: 1 }))).status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  });
});

describe("the server's end", () => {
  it("ends what is still under way when the time to drain is over", async () => {
    const gate = gated(5);
    const { post, shutdown } = scriptedApp({ a: gate.member });
    const answer = post(CHAT, ask("a"));
    await gate.reached;
    shutdown.abort();
    gate.open();
    const response = await answer;
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { code: "shutting_down" } });
  });
});

describe("a member that fails", () => {
  it("is told without its words, which stay in the log", async () => {
    const { member } = gated();
    const begin = member.begin.bind(member);
    member.begin = async (prompt, ...rest) => {
      if (Buffer.from(prompt.text).includes("go")) throw new Error("/home/somebody/secret.gguf broke");
      return await begin(prompt, ...rest);
    };
    const { post, failures } = scriptedApp({ a: member });
    const response = await post(CHAT, ask("a"));
    expect(response.status).toBe(502);
    const text = await response.text();
    expect(text).not.toMatch(/secret|at .*\.ts/);
    expect(JSON.parse(text)).toMatchObject({ error: { type: "server_error", code: "member_failed", param: null } });
    expect(String(failures[0])).toMatch(/secret/);
  });
});
