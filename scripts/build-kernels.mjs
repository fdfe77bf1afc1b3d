/**
 * Compiles src/kernels/assembly (AssemblyScript) into src/kernels/kernels.generated.ts, which carries the WebAssembly
 * modules as base64: one form that the tests, tsx and the bundled library all import alike.
 *
 * Does nothing when the sources, the compiler and this script are those of the last build (`--force` builds anyway).
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = "src/kernels/assembly";
const target = join(root, "src/kernels/kernels.generated.ts");

/** 64 KiB each: the first page is the allocator's, and 16,384 pages are 1 GiB. */
const INITIAL_PAGES = 1;
const MAXIMUM_PAGES = 16384;

const stamp = fingerprint();
if (process.argv.includes("--force") || !readOrEmpty(target).includes(`sources ${stamp}`)) {
  const module = await compile("index.ts", [
    ...["--enable", "threads", "--sharedMemory"],
    ...["--initialMemory", String(INITIAL_PAGES), "--maximumMemory", String(MAXIMUM_PAGES)],
  ]);
  const matrixModule = await compile("matrix.ts", []);
  check(module);
  check(matrixModule);
  writeFileSync(target, render(module, matrixModule));
  process.stderr.write(`kernels: ${module.length + matrixModule.length} bytes of WebAssembly\n`);
}

function fingerprint() {
  const hash = createHash("sha256").update(`assemblyscript ${asc.version}\n`);
  const sources = readdirSync(join(root, folder)).sort();
  for (const path of [fileURLToPath(import.meta.url), ...sources.map((name) => join(root, folder, name))]) {
    hash.update(readFileSync(path));
  }
  return hash.digest("hex").slice(0, 16);
}

function readOrEmpty(path) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return "";
    throw error;
  }
}

async function compile(source, memory) {
  let binary;
  const options = [
    `${folder}/${source}`,
    ...["--baseDir", root, "--outFile", "kernels.wasm"],
    ...["--optimizeLevel", "3", "--shrinkLevel", "0", "--converge", "--noAssert", "--runtime", "stub"],
    ...["--enable", "simd", "--importMemory", "--noExportMemory"],
    ...memory,
  ];
  const { error, stderr } = await asc.main(options, {
    writeFile: (_name, contents) => {
      binary = contents;
    },
  });
  if (error) throw new Error(`kernels: AssemblyScript failed: ${error.message}\n${stderr}`);
  return binary;
}

/** Threads share the memory, so instantiation must write nothing to it and the module must keep no state of its own. */
function check(binary) {
  const forbidden = { 6: "a global", 8: "a start function", 11: "a data segment" };
  for (const id of sections(binary)) {
    if (id in forbidden) throw new Error(`kernels: the module has ${forbidden[id]}, which threads would race on`);
  }
}

/** Ids of the sections of a WebAssembly binary: after the 8-byte header, each is an id, a LEB128 length and its content. */
function* sections(binary) {
  let at = 8;
  while (at < binary.length) {
    yield binary[at++];
    let length = 0;
    let shift = 0;
    let byte;
    do {
      byte = binary[at++];
      length |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte & 0x80);
    at += length;
  }
}

function render(module, matrixModule) {
  return `// Made by scripts/build-kernels.mjs from ${folder}; sources ${stamp}.
/** Pages of 64 KiB that the module's shared memory starts with and may grow to. */
export const initialPages = ${INITIAL_PAGES};
export const maximumPages = ${MAXIMUM_PAGES};
/** The WebAssembly module. */
export const moduleBase64 =
  "${Buffer.from(module).toString("base64")}";
/** The one for matrices (matrix-kernels.ts), which puts no limits to its memory. */
export const matrixModuleBase64 =
  "${Buffer.from(matrixModule).toString("base64")}";
`;
}
