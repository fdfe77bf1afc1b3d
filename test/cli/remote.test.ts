/** Members on servers, on the command line. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ModelServer, serveModel } from "../support/model-server.js";
import { models, run } from "./run.js";

describe.skipIf(models === undefined)("members on servers", () => {
  let server: ModelServer;
  beforeAll(async () => {
    server = await serveModel(models![1], "llama-server");
  });
  afterAll(() => server.close());

  it("-m http://host:port fuses as the file does, and options of threads are those of members here", async () => {
    const args = (second: string) => [
      "generate",
      "-n",
      "8",
      "--threads",
      "1",
      "-m",
      models![0],
      "-m",
      second,
      "Once upon",
    ];
    const [near, far] = [await run(args(models![1])), await run([...args(server.url), "--top-depth", "50"])];
    expect(far).toMatchObject({ code: 0, stderr: "" });
    expect(far.stdout).toBe(near.stdout);
  });

  it("ends with one line that names the member and what would do", async () => {
    const ended = await run(["generate", "-M", "gac", "-m", models![0], "-m", server.url, "Once"]);
    expect(ended.code).toBe(6);
    expect(ended.stderr).toMatch(/^llamafuse: Member "127\.0\.0\.1:\d+" \(llama-server\) does not offer .* unite/);
    expect(ended.stderr.trim()).not.toContain("\n");
    const wrong = await run(["generate", "--top-depth", "0", "-m", server.url, "Once"]);
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("--top-depth") });
  });
});
