/**
 * `node scripts/build-llama-server.mjs`: llama-server for `npm run test:remote`, from the sources that node-llama-cpp brings along
 * as a bundle of git, on that package's own libraries. Needs git, cmake and a C++ compiler; nothing is downloaded. About 70 files
 * are compiled, which takes five minutes of two cores. Linux only. Prints the program's path.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { ensureInstalled, root } from "./ensure.mjs";

ensureInstalled();
const package_ = path.join(root, "node_modules", "node-llama-cpp", "llama");
const { release } = JSON.parse(readFileSync(path.join(package_, "binariesGithubRelease.json"), "utf8"));
const libraries = path.join(root, "node_modules", "@node-llama-cpp", `linux-${process.arch}`, "bins", `linux-${process.arch}`);
const folder = path.join(root, ".cache", `llama-server-${release}`);
const program = path.join(folder, "build", "llama-server");

if (!existsSync(program)) {
  if (process.platform !== "linux" || !existsSync(libraries)) {
    console.error(`llama-server is not built: there are no libraries at ${libraries}.`);
    process.exit(1);
  }
  mkdirSync(folder, { recursive: true });
  const sources = path.join(folder, "llama.cpp");
  const run = (command, ...args) => execFileSync(command, args, { stdio: ["ignore", 2, "inherit"] });
  if (!existsSync(path.join(sources, "tools", "server"))) {
    rmSync(sources, { recursive: true, force: true });
    run("git", "clone", "--quiet", path.join(package_, "gitRelease.bundle"), sources);
  }
  const build = path.join(folder, "build");
  run("cmake", "-S", path.join(root, "scripts", "llama-server"), "-B", build, `-DSOURCE=${sources}`, `-DLIBRARIES=${libraries}`);
  run("cmake", "--build", build, "--parallel", "2");
}
console.log(program);
