/**
 * `npm run test:gpu`: the tests of test/gpu on a Vulkan driver. Without one, Debian's software driver is installed where
 * apt-get may do so; elsewhere one line says that the tests are skipped.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { ensureBuilt, ensureInstalled, run } from "./ensure.mjs";

/** Where Vulkan's loader looks for drivers on Linux. */
const DRIVER_FOLDERS = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"];
const PACKAGES = ["mesa-vulkan-drivers", "libvulkan1"];

const hasDriver = () => DRIVER_FOLDERS.some((folder) => existsSync(folder) && readdirSync(folder).length > 0);

/** True where it went through. */
function asRoot(...command) {
  const isRoot = process.getuid?.() === 0;
  const [program, ...rest] = isRoot ? command : ["sudo", "-n", ...command];
  return spawnSync(program, rest, { stdio: "ignore" }).status === 0;
}

function install() {
  if (!existsSync("/usr/bin/apt-get")) return;
  console.error(`Installing ${PACKAGES.join(" and ")} …`);
  const get = () => asRoot("apt-get", "install", "-y", "--no-install-recommends", ...PACKAGES);
  if (!get() && asRoot("apt-get", "update")) get();
}

if (process.platform === "linux" && process.arch === "x64" && !hasDriver()) install();
if (process.platform === "linux" && process.arch === "x64" && hasDriver()) {
  ensureInstalled();
  ensureBuilt();
  run("npx", ["vitest", "run", "--config", "test/gpu/vitest.config.ts"], { stdio: ["ignore", "inherit", "inherit"] });
} else {
  console.error(`test:gpu skipped: no Vulkan driver here (on Debian: apt-get install ${PACKAGES.join(" ")}).`);
}
