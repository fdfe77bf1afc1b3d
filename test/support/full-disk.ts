/** A real disk of a given size that runs full: a tmpfs, where this user may mount one. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

export interface SmallDisk {
  folder: string;
  remove(): void;
}

/** Undefined, with one line that says so, where the system does not let this user mount. */
export function smallDisk(kilobytes: number): SmallDisk | undefined {
  const folder = mkdtempSync(path.join(tmpdir(), "llamafuse-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${kilobytes}k`, "tmpfs", folder], { stdio: "ignore" });
  } catch {
    rmSync(folder, { recursive: true });
    console.log("skipped: a full disk needs a tmpfs, and this user may not mount one");
    return undefined;
  }
  return {
    folder,
    remove() {
      execFileSync("umount", [folder], { stdio: "ignore" });
      rmSync(folder, { recursive: true });
    },
  };
}
