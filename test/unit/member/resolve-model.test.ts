/** Downloads, up to the network: a server of our own on this machine stands for the model hub. */

import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { LlamafuseError } from "../../../src/errors.js";
import { resolveModel } from "../../../src/member/resolve-model.js";
import { nativeModels } from "../../../src/native-models.js";

const [robin, wren] = nativeModels();
const weights = readFileSync(robin.path);
const others = readFileSync(wren.path);
const served: Record<string, Buffer> = {
  "/robin.gguf": weights,
  "/one/model.gguf": weights,
  "/two/model.gguf": others,
  "/downloaded.json": others,
  "/private/model.gguf?token=sesame": weights,
  "/page.gguf": Buffer.from("<!doctype html><title>Log in</title>"),
  "/hashed.gguf": weights,
  "/exchanged.gguf": others,
};
/** What the server says of files beside their length, as Hugging Face does. */
const linked: Record<string, Record<string, string>> = {
  "/hashed.gguf": { "x-linked-etag": `"${sha256(weights)}"`, "x-linked-size": String(weights.length) },
  "/exchanged.gguf": { "x-linked-etag": `"${sha256(weights)}"` },
  "/one/model.gguf": {},
};
function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

const folder = mkdtempSync(path.join(os.tmpdir(), "llamafuse-models-"));
let online = true;
const server = createServer((request, response) => {
  if (!online) {
    request.socket.destroy();
    return;
  }
  const weights = served[request.url ?? ""];
  if (weights === undefined) {
    response.writeHead(404).end();
    return;
  }
  const range = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "");
  const start = range === null ? 0 : Number(range[1]);
  const end = range?.[2] ? Number(range[2]) + 1 : weights.length;
  response.writeHead(range === null ? 200 : 206, {
    "content-length": end - start,
    "accept-ranges": "bytes",
    ...linked[request.url ?? ""],
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

it("says what is wrong with an address that cannot be one", async () => {
  await expect(resolveModel("http://127.0.0.1:99999")).rejects.toMatchObject({
    code: "file-unreadable",
    message: expect.stringContaining("the port (1 to 65535)"),
  });
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

it("keeps two addresses with one file name apart, in any order", async () => {
  const [one, two] = [await resolveModel(`${base}/one/model.gguf`), await resolveModel(`${base}/two/model.gguf`)];
  expect(readFileSync(one).equals(weights)).toBe(true);
  expect(readFileSync(two).equals(others)).toBe(true);
  expect(await resolveModel(`${base}/one/model.gguf`)).toBe(one);
});

it("gives no address the name of the list of downloads", async () => {
  const file = await resolveModel(`${base}/downloaded.json`);
  expect(readFileSync(file).equals(others)).toBe(true);
  const list = JSON.parse(readFileSync(path.join(folder, "downloaded.json"), "utf8")) as Record<string, string>;
  expect(list[`${base}/downloaded.json`]).toBe(path.basename(file));
});

it("keeps secrets of an address out of the list of downloads", async () => {
  await resolveModel(`${base}/private/model.gguf?token=sesame`);
  expect(readFileSync(path.join(folder, "downloaded.json"), "utf8")).not.toContain("sesame");
});

it("uses no entry of the list that is damaged or leads out of the folder", async () => {
  const list = path.join(folder, "downloaded.json");
  const secret = path.join(folder, "..", `${path.basename(folder)}-outside.gguf`);
  writeFileSync(secret, "outside");
  const before = readFileSync(list);
  try {
    const address = `${base}/missing.gguf`;
    for (const entry of [`../${path.basename(secret)}`, secret, "", "..", ".", 7, null, ["a"], "downloaded.json"]) {
      writeFileSync(list, JSON.stringify({ [address]: entry }));
      await expect(resolveModel(address)).rejects.toMatchObject({ code: "file-unreadable", message: /404/ });
    }
    for (const text of ["", "{", "null", "[]", "7", '"text"']) {
      writeFileSync(list, text);
      await expect(resolveModel(address)).rejects.toMatchObject({ code: "file-unreadable", message: /404/ });
      expect(await resolveModel(`${base}/robin.gguf`)).toMatch(/robin-[0-9a-f]{12}\.gguf$/);
    }
  } finally {
    writeFileSync(list, before);
    rmSync(secret);
  }
});

it("names a folder that cannot be written, and no secret of the address", async () => {
  process.env.LLAMAFUSE_MODELS = "/dev/null/models";
  try {
    const address = `${base.replace("//", "//ann:secret@")}/robin.gguf`;
    const error = await resolveModel(address).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(LlamafuseError);
    expect(error).toMatchObject({ code: "file-unwritable", details: { found: "ENOTDIR" } });
    expect(JSON.stringify(error)).not.toContain("secret");
  } finally {
    process.env.LLAMAFUSE_MODELS = folder;
  }
});

it("says why a file cannot be had", async () => {
  await expect(resolveModel(`${base}/wren.gguf`)).rejects.toMatchObject({
    code: "file-unreadable",
    message: expect.stringMatching(/404/),
  });
  await expect(resolveModel("http://127.0.0.1:9/other.gguf")).rejects.toMatchObject({ code: "file-unreadable" });
});

it("takes what the server said that it would send, and nothing else", async () => {
  expect(readFileSync(await resolveModel(`${base}/hashed.gguf`)).equals(weights)).toBe(true);
  for (const [name, message] of [
    ["page.gguf", /what arrived is no GGUF file: it begins with "<!do"/],
    ["exchanged.gguf", /the server says that its SHA-256 is [0-9a-f]{64}, and [0-9a-f]{64} arrived/],
  ] as const) {
    const error = resolveModel(`${base}/${name}`);
    await expect(error).rejects.toMatchObject({ code: "file-unreadable", message: expect.stringMatching(message) });
    expect(readdirSync(folder).filter((file) => file.startsWith(path.parse(name).name))).toEqual([]);
  }
});

it("stops when it is cancelled", async () => {
  await expect(resolveModel(`${base}/other.gguf`, undefined, AbortSignal.abort())).rejects.toMatchObject({
    code: "aborted",
  });
});
