/**
 * Which llama.cpp to load: a folder that the user names, or one of the platform packages of node-llama-cpp, which ship
 * the shared libraries of one pinned release for every platform and kind of GPU.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { LlamafuseError, unknownName } from "../errors.js";
import { refuse } from "../read-options.js";
import koffi from "./koffi.js";

/** The compute backend to use. `auto` takes a GPU's library where its driver is installed, else the CPU's. */
export type Gpu = "auto" | "cuda" | "vulkan" | "metal" | false;

export const GPU_CHOICES = ["auto", "cuda", "vulkan", "metal", "false"] as const;

export interface LibraryFiles {
  /** The folder with llama's, ggml's and the backends' shared libraries. */
  folder: string;
  /** The shared library with the functions of llama.h. */
  llama: string;
  /** The shared library with ggml's backend registry. */
  ggml: string;
  gpu: Exclude<Gpu, "auto">;
}

/** The environment variable that names a folder with llama.cpp's libraries, built from the same release. */
export const LLAMA_DIR_VARIABLE = "LLAMAFUSE_LLAMA_DIR";

/** Drivers' libraries: if one of them loads, the machine can run that backend. */
const DRIVERS = {
  cuda: ["libcuda.so.1", "nvcuda.dll"],
  vulkan: ["libvulkan.so.1", "vulkan-1.dll"],
} as const;

export function parseGpu(value: string): Gpu {
  if (value === "false") return false;
  if (!(GPU_CHOICES as readonly string[]).includes(value)) throw unknownName("GPU backend", value, GPU_CHOICES);
  return value as Gpu;
}

/** Error: invalid-option. */
export function checkGpu(gpu: unknown): void {
  if (gpu === undefined || gpu === false) return;
  if (gpu !== "false" && (GPU_CHOICES as readonly unknown[]).includes(gpu)) return;
  refuse("gpu", gpu, '"auto", "cuda", "vulkan", "metal" or false');
}

/** Find the libraries, or explain which package or folder is missing. */
export function findLibrary(gpu: Gpu): LibraryFiles {
  const folder = process.env[LLAMA_DIR_VARIABLE];
  if (folder !== undefined && folder !== "") {
    const own = path.resolve(folder);
    return filesIn(own, gpu === "auto" ? backendIn(own) : gpu);
  }

  const candidates = gpu === "auto" ? automaticChoices() : [gpu];
  for (const choice of candidates) {
    const found = platformFolder(choice);
    if (found !== undefined) return filesIn(found, choice);
  }
  const wanted = candidates.map(packageName).join(" or ");
  throw new LlamafuseError(
    "library",
    `No llama.cpp library for ${process.platform}-${process.arch}${gpu === "auto" ? "" : ` with gpu: ${gpu}`}: the package ${wanted} is not installed. ` +
      `Run "npm install" without --omit=optional, choose another gpu, or name a folder with llama.cpp's libraries in ${LLAMA_DIR_VARIABLE}.`,
    { found: null, allowed: candidates.map(packageName), option: "gpu" },
  );
}

/** Best first: the GPU backends whose driver is there, then the CPU. */
function automaticChoices(): Exclude<Gpu, "auto">[] {
  if (process.platform === "darwin") return process.arch === "arm64" ? ["metal", false] : [false];
  const choices: Exclude<Gpu, "auto">[] = [];
  for (const backend of ["cuda", "vulkan"] as const) if (DRIVERS[backend].some(canLoad)) choices.push(backend);
  choices.push(false);
  return choices;
}

/** Which GPU backend a folder of libraries was built with. */
function backendIn(folder: string): Exclude<Gpu, "auto"> {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return (
    (["cuda", "vulkan", "metal"] as const).find((backend) => names.some((name) => name.includes(`ggml-${backend}`))) ??
    false
  );
}

function canLoad(library: string): boolean {
  try {
    koffi.load(library).unload();
    return true;
  } catch {
    return false;
  }
}

function packageName(gpu: Exclude<Gpu, "auto">): string {
  const platform = { darwin: "mac", win32: "win", linux: "linux" }[process.platform as string] ?? process.platform;
  const arch = process.arch === "arm" ? "armv7l" : process.arch;
  return `@node-llama-cpp/${platform}-${arch}${gpu === false ? "" : `-${gpu}`}`;
}

/** The folder of a platform package's binaries, or undefined where the package is not installed. */
function platformFolder(gpu: Exclude<Gpu, "auto">): string | undefined {
  const require = createRequire(import.meta.url);
  // The platform packages are optional dependencies of node-llama-cpp: resolve from its place, then from ours.
  const bases = [require];
  try {
    bases.unshift(createRequire(require.resolve("node-llama-cpp")));
  } catch {
    // Not installed: the message above says what to do.
  }
  for (const base of bases) {
    for (const folder of base.resolve.paths(packageName(gpu)) ?? []) {
      const bins = path.join(folder, packageName(gpu), "bins");
      if (!existsSync(bins)) continue;
      const inner = readdirSync(bins).find((name) => statSync(path.join(bins, name)).isDirectory());
      if (inner !== undefined) return path.join(bins, inner);
    }
  }
  return undefined;
}

function filesIn(folder: string, gpu: Exclude<Gpu, "auto">): LibraryFiles {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (cause) {
    throw new LlamafuseError(
      "library",
      `${LLAMA_DIR_VARIABLE}: cannot read the folder ${folder}. Name a folder with libllama and libggml.`,
      { found: folder },
      cause,
    );
  }
  const pick = (stem: string) =>
    names
      .filter((name) =>
        new RegExp(`^(lib)?${stem}(\\.(cuda|vulkan|metal))?(\\.v?[\\d.]+)?\\.(so|dylib|dll)([\\d.]*)$`).test(name),
      )
      .sort((a, b) => a.length - b.length)[0];
  const llama = pick("llama");
  const ggml = pick("ggml");
  if (llama === undefined || ggml === undefined) {
    throw new LlamafuseError(
      "library",
      `${folder} has no ${llama === undefined ? "libllama" : "libggml"}: found ${names.length} other files. Name a folder with llama.cpp's shared libraries (built with BUILD_SHARED_LIBS=ON).`,
      { found: names.slice(0, 20), folder },
    );
  }
  return { folder, llama: path.join(folder, llama), ggml: path.join(folder, ggml), gpu };
}
