/** `npm ci` refuses a lock that lacks a package of some platform, so every platform's packages must be in it. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

interface LockedPackage {
  version?: string;
  integrity?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

const readJson = (file: string) => JSON.parse(readFileSync(new URL(`../../${file}`, import.meta.url), "utf8"));
const lock: Record<string, LockedPackage> = readJson("package-lock.json").packages;
const manifest: LockedPackage & { devDependencies: Record<string, string> } = readJson("package.json");

/** Where Node would find a package that the one at `place` asks for. */
function resolved(place: string, name: string): LockedPackage | undefined {
  for (let folder = place; ; ) {
    const found = lock[`${folder}${folder === "" ? "" : "/"}node_modules/${name}`];
    if (found !== undefined) return found;
    if (folder === "") return undefined;
    const parent = folder.lastIndexOf("node_modules/");
    folder = parent <= 0 ? "" : folder.slice(0, parent - 1);
  }
}

describe("package-lock.json", () => {
  it("has every dependency of every package, those of other platforms too", () => {
    const missing: string[] = [];
    for (const [place, { dependencies, optionalDependencies }] of Object.entries(lock)) {
      for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
        if (resolved(place, name)?.integrity === undefined) missing.push(`${place || "llamafuse"} needs ${name}`);
      }
    }
    expect(missing).toEqual([]);
  });

  it("has llama.cpp for Linux, macOS and Windows, all of the one pinned release", () => {
    const release = manifest.dependencies!["node-llama-cpp"];
    const platforms = Object.entries(lock).filter(([place]) => place.startsWith("node_modules/@node-llama-cpp/"));
    expect(platforms.map(([place]) => place.replace("node_modules/@node-llama-cpp/", ""))).toEqual(
      expect.arrayContaining([
        "linux-arm64",
        "linux-x64",
        "linux-x64-cuda",
        "linux-x64-vulkan",
        "mac-arm64-metal",
        "mac-x64",
        "win-arm64",
        "win-x64",
        "win-x64-cuda",
        "win-x64-vulkan",
      ]),
    );
    for (const [place, { version }] of platforms) expect(version, place).toBe(release);
  });

  it("agrees with package.json, which pins exact versions", () => {
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
      expect(lock[`node_modules/${name}`]?.version, name).toBe(version);
    }
  });
});
