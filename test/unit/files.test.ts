/** Files are replaced whole or not at all, on real disks: a full one, a device, links, folders that are closed. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { checkTarget, homeFolder, writeCache, writeWhole, writeWholeSync } from "../../src/files.js";
import { smallDisk } from "../support/full-disk.js";
import { refusal } from "../support/refusal.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const at = temporaryFolder();
const disk = smallDisk(64);
afterAll(() => disk?.remove());

const LARGE = "x".repeat(100_000);

async function* pieces(count: number, failAt = -1): AsyncGenerator<string> {
  for (let index = 0; index < count; index++) {
    if (index === failAt) throw new RangeError("no such row");
    yield `${index}\n`;
  }
}

describe("writing a file", () => {
  it("replaces what was there, keeps its permissions, and leaves nothing beside it", async () => {
    mkdirSync(at("plain"));
    const file = at("plain/router.json", "old");
    chmodSync(file, 0o664);
    await writeWhole(file, "new");
    expect(readFileSync(file, "utf8")).toBe("new");
    expect(statSync(file).mode & 0o777).toBe(0o664);
    writeWholeSync(file, Uint8Array.of(104, 105));
    expect(readFileSync(file, "utf8")).toBe("hi");
    await writeWhole(file, pieces(20_000));
    expect(readFileSync(file, "utf8")).toBe(Array.from({ length: 20_000 }, (_, index) => `${index}\n`).join(""));
    expect(readdirSync(at("plain"))).toEqual(["router.json"]);
  });

  it("never replaces what is read, also by another name of it", async () => {
    const file = at("read.jsonl", "{}");
    const link = at("read-link.jsonl");
    symlinkSync(file, link);
    for (const target of [file, link]) {
      const error = await refusal(() => checkTarget(target, [file]));
      expect([error.code, error.details.file]).toEqual(["invalid-option", target]);
    }
    checkTarget(at("other.jsonl"), [file, at("is-not-there")]);
    checkTarget("/dev/null", ["/dev/null"]);
  });

  it("takes a name as long as the system does", async () => {
    await writeWhole(at("n".repeat(255)), "there");
    expect(readFileSync(at("n".repeat(255)), "utf8")).toBe("there");
  });

  it("follows a link, also one that leads nowhere yet, and writes devices straight", async () => {
    const file = at("linked.json", "old");
    symlinkSync(file, at("link"));
    await writeWhole(at("link"), "new");
    expect(readFileSync(file, "utf8")).toBe("new");
    await writeWhole("/dev/null", "gone");
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
  });

  it("passes on what failed while the contents were made, and keeps the old file", async () => {
    const file = at("kept.txt", "old");
    await expect(writeWhole(file, pieces(10, 5))).rejects.toThrow(RangeError);
    expect(readFileSync(file, "utf8")).toBe("old");
    expect(readdirSync(path.dirname(file)).filter((name) => name.endsWith(".part"))).toEqual([]);
  });

  it("names the file, what the system said, and the cure", async () => {
    for (const [file, code, cure] of [
      [at("no/where.json"), "ENOENT", /its folder does not exist/],
      [at("plain"), "EISDIR", /is a folder/],
      [path.join(at("linked.json"), "below"), "ENOTDIR", /its folder is a file/],
      ["/dev/full", "ENOSPC", /the disk is full/],
    ] as const) {
      const errors = [await refusal(() => writeWhole(file, "text")), await refusal(() => writeWholeSync(file, "text"))];
      for (const error of errors) {
        expect(error).toMatchObject({ code: "file-unwritable", details: { found: code, file } });
        expect(error.message).toMatch(cure);
        expect(error.message).toContain(file);
      }
    }
    for (const file of [at("no/where.json"), at("plain")]) {
      expect((await refusal(() => checkTarget(file))).code).toBe("file-unwritable");
    }
    expect(checkTarget(at("linked.json"))).toBeUndefined();
  });

  it("leaves the old file where the disk runs full", async ({ skip }) => {
    if (disk === undefined) return skip();
    const file = path.join(disk.folder, "router.json");
    await writeWhole(file, "good");
    const errors = [
      await refusal(() => writeWhole(file, LARGE)),
      await refusal(() => writeWholeSync(file, LARGE)),
      await refusal(() => writeWhole(file, pieces(50_000))),
    ];
    for (const error of errors) {
      expect(error).toMatchObject({ code: "file-unwritable", details: { found: "ENOSPC", file } });
      expect(error.httpStatus).toBe(507);
    }
    await writeCache(path.join(disk.folder, "cache"), LARGE);
    expect(readFileSync(file, "utf8")).toBe("good");
    expect(readdirSync(disk.folder)).toEqual(["router.json"]);
  });

  it("leaves the old file where the system's limit on a file's size is met", () => {
    const file = at("limited.json", "good");
    const script = `import { writeWhole } from ${JSON.stringify(path.resolve("src/files.ts"))};
      await writeWhole(${JSON.stringify(file)}, "x".repeat(100_000)).catch((error) => console.log(error.code, error.details.found));`;
    const limited = ["-c", 'ulimit -f 8; exec "$0" "$@"', process.execPath, "--import", "tsx", "--input-type=module"];
    const child = spawnSync("bash", [...limited, "-e", script], { encoding: "utf8" });
    expect(child.stdout.trim()).toBe("file-unwritable EFBIG");
    expect(readFileSync(file, "utf8")).toBe("good");
  });
});

describe("the user's own folder", () => {
  it("is never the working folder, also without HOME", () => {
    const home = process.env.HOME;
    try {
      for (const empty of ["", "relative"]) {
        process.env.HOME = empty;
        const folder = homeFolder();
        expect(folder === undefined || path.isAbsolute(folder)).toBe(true);
      }
    } finally {
      process.env.HOME = home;
    }
    expect(existsSync("relative")).toBe(false);
    writeFileSync(at("untouched"), "");
  });
});
