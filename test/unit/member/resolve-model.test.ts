/** Downloads, up to the network: a server of our own on this machine stands for the model hub. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { resolveModel } from "../../../src/member/resolve-model.js";
import { nativeModels } from "../../../src/native-models.js";

const [robin] = nativeModels();
const weights = readFileSync(robin.path);
const folder = mkdtempSync(path.join(os.tmpdir(), "llamafuse-models-"));
let online = true;
const server = createServer((request, response) => {
  if (!online) {
    request.socket.destroy();
    return;
  }
  if (request.url !== "/robin.gguf") {
    response.writeHead(404).end();
    return;
  }
  const range = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "");
  const start = range === null ? 0 : Number(range[1]);
  const end = range?.[2] ? Number(range[2]) + 1 : weights.length;
  response.writeHead(range === null ? 200 : 206, {
    "content-length": end - start,
    "accept-ranges": "bytes",
    ...(range !== null && { "content-range": `bytes ${start}-${end - 1}/${weights.length}` }),
  });
  if (request.method === "HEAD") response.end();
  else {
    response.end(weights.subarray(start, end));
  }
});
let base = "";

beforeAll(async () => {
  process.env.LLAMAFUSE_MODELS = folder;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
  delete process.env.LLAMAFUSE_MODELS;
});

it("leaves paths alone", async () => {
  expect(await resolveModel("some/where.gguf")).toBe("some/where.gguf");
});

it("downloads a file once, with progress", async () => {
  const seen: number[] = [];
  const file = await resolveModel(`${base}/robin.gguf`, (fraction) => seen.push(fraction));
  expect(path.dirname(file)).toBe(folder);
  expect(readFileSync(file).equals(weights)).toBe(true);
  expect(seen.at(-1)).toBe(1);
  online = false;
  expect(await resolveModel(`${base}/robin.gguf`)).toBe(file);
  online = true;
});

it("says why a file cannot be had", async () => {
  await expect(resolveModel(`${base}/wren.gguf`)).rejects.toMatchObject({
    code: "file-unreadable",
    message: expect.stringMatching(/404/),
  });
  await expect(resolveModel("http://127.0.0.1:9/other.gguf")).rejects.toMatchObject({ code: "file-unreadable" });
});

it("stops when it is cancelled", async () => {
  await expect(resolveModel(`${base}/other.gguf`, undefined, AbortSignal.abort())).rejects.toMatchObject({
    code: "aborted",
  });
});
