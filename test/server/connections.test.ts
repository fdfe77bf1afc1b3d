/** Connections that a browser or a library would not make. */
import { connect, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { ENDLESS, type Json, NATIVE, serving } from "./support.js";

const served = await serving({ limits: { headersMs: 400, requestMs: 600, connections: 60 } });
const { port } = new URL(served.server.address);

function dial(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), "127.0.0.1", () => resolve(socket));
    socket.once("error", reject);
  });
}

/** All that comes until the server closes. */
function untilClosed(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  socket.on("error", () => {});
  return new Promise((resolve) => socket.once("close", () => resolve(text)));
}

async function isWell(): Promise<void> {
  expect((await fetch(`${served.server.address}/health`)).status).toBe(200);
}

const BODY = JSON.stringify({ model: NATIVE, messages: [{ role: "user", content: "Hello" }], max_tokens: 1 });
const head = (length: number, more = "") =>
  `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n${more}\r\n`;

describe("a client that", () => {
  it.each([
    ["says nothing", ""],
    ["sends half a line", "POST /v1/cha"],
    ["sends half of its headers", "GET /health HTTP/1.1\r\nHost: loc"],
    ["sends half of its body", head(BODY.length) + BODY.slice(0, 20)],
    ["announces more than it sends", head(BODY.length + 10) + BODY],
  ])("%s is let go when its time is over", async (_, text) => {
    const socket = await dial();
    socket.write(text);
    const answer = await untilClosed(socket);
    if (answer !== "") expect(answer).toMatch(/^HTTP\/1\.1 4/);
    await isWell();
  });

  it.each([
    [
      "floods headers",
      `GET /health HTTP/1.1\r\nHost: localhost\r\n${"X-A: aaaaaaaaaaaaaaaa\r\n".repeat(2000)}\r\n`,
      /^HTTP\/1\.1 431/,
    ],
    ["has no HTTP", "hello\r\n\r\n", /^HTTP\/1\.1 400/],
    ["sends two lengths", head(5, "Content-Length: 6\r\n"), /^HTTP\/1\.1 400/],
    ["has no host", "GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", /^HTTP\/1\.1 400/],
    [
      "has another host",
      "GET /v1/models HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
      /^HTTP\/1\.1 403/,
    ],
    [
      "names a folder",
      "GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
      /^HTTP\/1\.1 404/,
    ],
    [
      "names a whole address",
      "GET http://evil.example/v1/models HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
      /^HTTP\/1\.1 403/,
    ],
  ])("%s is refused", async (_, text, says) => {
    const socket = await dial();
    socket.write(text);
    const answer = await untilClosed(socket);
    expect(answer).toMatch(says);
    expect(answer).not.toMatch(/\.[jt]s:|node_modules/);
    await isWell();
  });

  it("opens many connections and is silent holds up nobody for long", async () => {
    const idle = await Promise.all(Array.from({ length: 50 }, dial));
    const closed = idle.map(untilClosed);
    await isWell();
    await Promise.all(closed);
  });

  it("leaves at any time takes its answer with it and nothing else", async () => {
    await served.post("/v1/chat/completions", {
      model: NATIVE,
      messages: [{ role: "user", content: "Hi" }],
      max_tokens: 1,
    });
    const body = JSON.stringify({ ...JSON.parse(BODY), ...ENDLESS, stream: true });
    const request = head(Buffer.byteLength(body)) + body;
    // Before its request, inside of headers and body, behind it, and behind some events.
    for (const sent of [0, 30, request.length - body.length, request.length - 5]) {
      const socket = await dial();
      socket.write(request.slice(0, sent), () => socket.destroy());
      await untilClosed(socket);
    }
    for (const events of [0, 1, 2, 5]) {
      const socket = await dial();
      let seen = 0;
      socket.on("data", (chunk: Buffer) => {
        seen += chunk.toString().split("data: ").length - 1;
        if (seen >= events) socket.destroy();
      });
      socket.write(request, () => events === 0 && socket.destroy());
      await new Promise((resolve) => socket.once("close", resolve));
    }
    // Whoever is next has to wait for none of those answers.
    const next = await served.post("/v1/chat/completions", JSON.parse(BODY));
    expect(next.status).toBe(200);
    const { data } = (await (await fetch(`${served.server.address}/v1/models`)).json()) as Json;
    expect(data[0].llamafuse).toMatchObject({ running: 0, waiting: 0 });
    expect(served.events.filter(({ what }) => what === "request-failed")).toEqual([]);
  });
});
