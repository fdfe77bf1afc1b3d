/** Who may ask, and what is read of a request before anything looks at it. */
import { describe, expect, it } from "vitest";
import { readApiKeys } from "../../src/server/http/api-keys.js";
import { scriptedSpeaker } from "../support/speaker.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { type Json, jsonRequest, type ScriptedApp, scriptedApp } from "./support.js";

const KEYS = ["first-key-0123456789", "second-key-0123456789"];
const speaker = () => ({ a: scriptedSpeaker({ name: "a", pieces: [" on"], next: { ":": " on" } }) });
const open = scriptedApp(speaker());
const closed = scriptedApp(speaker(), {}, { keys: KEYS, origins: ["https://chat.example"] });
const named = scriptedApp(speaker(), {}, { hosts: ["llama.home"] });

async function get({ app }: ScriptedApp, headers: Record<string, string>, path = "/v1/models", method = "GET") {
  const response = await app.request(`http://localhost:8080${path}`, { method, headers });
  const text = await response.text();
  return { status: response.status, headers: response.headers, json: text === "" ? undefined : JSON.parse(text) };
}

describe("hosts", () => {
  it.each(["localhost", "localhost:8080", "127.0.0.1:1", "127.1.2.3", "[::1]:8080", "app.localhost", "LOCALHOST"])(
    "%s is this machine",
    async (host) => {
      expect((await get(open, { host })).status).toBe(200);
    },
  );

  it.each([
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example:8080",
    "0.0.0.0",
    "192.168.0.5",
    "evil.example:127.0.0.1",
  ])("%s is not", async (host) => {
    const { status, json } = await get(open, { host });
    expect(status).toBe(403);
    expect(json.error).toMatchObject({ type: "permission_error", code: "forbidden" });
  });

  it("may be allowed by name, and matter less than a key", async () => {
    expect((await get(named, { host: "llama.home:8080" })).status).toBe(200);
    expect((await get(named, { host: "lama.home" })).status).toBe(403);
    expect((await get(closed, { host: "any.example", authorization: `Bearer ${KEYS[1]}` })).status).toBe(200);
  });
});

describe("origins", () => {
  it("other than the server's own are refused, unless they are allowed", async () => {
    const host = "localhost:8080";
    expect((await get(open, { host, origin: "http://localhost:8080" })).status).toBe(200);
    for (const origin of [
      "https://evil.example",
      "null",
      "http://localhost:9090",
      "http://localhost:8080.evil.example",
    ]) {
      const { status, headers } = await get(open, { host, origin });
      expect(status).toBe(403);
      expect(headers.get("access-control-allow-origin")).toBe(null);
    }
  });

  it("that are allowed have a preflight's answer without a key, and none of the data", async () => {
    const origin = "https://chat.example";
    const asked = { origin, "access-control-request-headers": "authorization,content-type" };
    const preflight = await get(closed, asked, "/v1/chat/completions", "OPTIONS");
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe(origin);
    expect(preflight.headers.get("access-control-allow-headers")).toContain("authorization");
    expect((await get(closed, { origin })).status).toBe(401);
    const answer = await get(closed, { origin, authorization: `Bearer ${KEYS[0]}` });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
  });
});

describe("keys", () => {
  it.each([
    undefined,
    "Bearer",
    "Bearer ",
    "Bearer wrong",
    `Bearer ${KEYS[0]}x`,
    `Bearer ${KEYS[0].slice(0, -1)}`,
    `Basic ${KEYS[0]}`,
    KEYS[0],
    `Bearer ${"x".repeat(5000)}`,
  ])("%s opens nothing but /health", async (authorization) => {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    for (const path of [
      "/v1/models",
      "/v1/models/a",
      "/metrics",
      "/nothing",
      "/playground/x",
      "//health",
      "/health/",
    ]) {
      const { status, json, headers: said } = await get(closed, headers, path);
      expect(status).toBe(401);
      expect(said.get("www-authenticate")).toBe("Bearer");
      expect(json.error).toMatchObject({ type: "authentication_error", code: "invalid_api_key" });
      expect(JSON.stringify(json)).not.toContain("key-0");
    }
    expect((await get(closed, headers, "/health")).json).toEqual({ status: "ok" });
  });

  it("any of them opens", async () => {
    for (const key of KEYS) expect((await get(closed, { authorization: `bearer ${key}` })).status).toBe(200);
  });

  const at = temporaryFolder();
  it("are lines of a file", async () => {
    const file = at("keys", `# two\n\n${KEYS.join("\r\n")}\r\n`);
    expect(await readApiKeys(file)).toEqual(KEYS);
  });

  it.each([
    ["# none\n", /holds no key/],
    ["short\n", /:1: a key must have 16/],
    [`${KEYS[0]}\nwith a space in it\n`, /:2: /],
  ])("a file with %j is refused without a key in the message", async (content, says) => {
    const file = at("bad", content);
    await expect(readApiKeys(file)).rejects.toMatchObject({
      code: "invalid-data",
      message: expect.stringMatching(says),
    });
    await expect(readApiKeys(file)).rejects.not.toThrow(/short$|space in it/);
  });
});

describe("a body", () => {
  const post = (body: string | Uint8Array, headers: Record<string, string> = {}) =>
    open.app.request("http://localhost/v1/chat/completions", {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
    });

  it.each([
    ["2 MB", "x".repeat(2_000_000), 413, "too_large"],
    [
      "2 MB of JSON",
      JSON.stringify({ model: "a", messages: [{ role: "user", content: "x".repeat(2_000_000) }] }),
      413,
      "too_large",
    ],
    ["a deep list", `{"messages":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, 413, "too_large"],
    ["a deep object", `${'{"a":'.repeat(5000)}1${"}".repeat(5000)}`, 413, "too_large"],
    ["half a document", '{"model": "a", "mess', 400, "invalid_json"],
    ["nothing", "", 400, "invalid_json"],
    ["a list", "[]", 400, "invalid_option"],
    ["null", "null", 400, "invalid_option"],
    ["bytes that are no UTF-8", Uint8Array.of(0x7b, 0xff, 0x7d), 400, "invalid_text"],
    [
      "a prototype",
      '{"__proto__": {"model": "a"}, "messages": [{"role": "user", "content": "x"}]}',
      400,
      "invalid_option",
    ],
    [
      "keys without number",
      `{${Array.from({ length: 20_000 }, (_, key) => `"k${key}":1`).join()}}`,
      400,
      "invalid_option",
    ],
  ])("of %s is refused", async (_, body, status, code) => {
    const response = await post(body);
    const json = (await response.json()) as Json;
    expect(json).toMatchObject({
      error: { code: expect.stringMatching(`${code}|unknown_parameter`), message: expect.any(String) },
    });
    expect(response.status).toBe(status);
    expect(json.error.message.length).toBeLessThan(2000);
  });

  it("must be JSON by its type", async () => {
    for (const type of ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", ""]) {
      const response = await post("{}", { "content-type": type });
      expect(response.status).toBe(415);
    }
    const { app } = open;
    const request = jsonRequest({ model: "a", messages: [{ role: "user", content: "x" }], max_tokens: 1 });
    const headers = { "content-type": "Application/JSON; charset=utf-8" };
    expect((await app.request("http://localhost/v1/chat/completions", { ...request, headers })).status).toBe(200);
  });
});

describe("addresses", () => {
  it("that are not there, and other methods, are told as errors", async () => {
    expect(await get(open, {}, "/v1/nothing")).toMatchObject({ status: 404, json: { error: { code: "not_found" } } });
    const other = await get(open, {}, "/v1/chat/completions");
    expect(other).toMatchObject({ status: 405, json: { error: { code: "method_not_allowed" } } });
    expect(other.headers.get("allow")).toBe("POST");
    expect((await get(open, {}, "/v1/models/a")).json).toMatchObject({ id: "a", object: "model" });
    expect((await get(open, {}, "/v1/models/../../etc/passwd")).status).toBe(404);
    expect((await get(open, {}, "/v1/models/%2e%2e%2fx")).status).toBe(404);
  });

  it("have the client's request id where it is one", async () => {
    expect((await get(open, { "x-request-id": "abc-1" })).headers.get("x-request-id")).toBe("abc-1");
    expect((await get(open, { "x-request-id": "a b<script>" })).headers.get("x-request-id")).toMatch(/^req_\w{32}$/);
  });
});
