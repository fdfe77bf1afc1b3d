/**
 * Writing files. Everything that Llamafuse writes goes through here, so that a full disk, a broken one or a kill at any
 * moment leaves the old file or the new one, never a part of either.
 *
 * A file is written beside its place under a name of its own and moved there whole. Where it is the only copy of what it
 * holds (a router, a trained switching model, a report), it is flushed to the disk before it is moved, and its folder
 * after. What can be made again (a cache) is not flushed: after a power cut it is checked and built again.
 *
 * A link is followed, and the file that it names is replaced. A device or a pipe (/dev/stdout) is written straight.
 */
import { randomUUID } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import fs, { type FileHandle } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { LlamafuseError } from "./errors.js";

/** What a file holds: at once, or piece by piece where it is too large for one string. */
export type Contents = string | Uint8Array | Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

export interface WriteOptions {
  /** Whether the contents can be made again, so that nothing is lost if a power cut takes them. Default: false. */
  cache?: boolean;
}

/** Piece by piece, a file is written in portions of about this size. */
const PORTION_BYTES = 64 * 1024;

/**
 * Replace a file by new contents, whole or not at all. Errors: file-unwritable, with the system's code in `details.found`
 * (ENOSPC for a full disk, EIO for a broken one).
 *
 * ```ts
 * await writeWhole("router.json", JSON.stringify(routerFile(router, embedder)));
 * ```
 */
export async function writeWhole(
  file: string,
  contents: Contents,
  { cache = false }: WriteOptions = {},
): Promise<void> {
  const { target, mode, isDirect } = destinationOf(file);
  if (isDirect) return await straight(file, target, contents);
  const draft = draftBeside(target);
  let handle: FileHandle | undefined;
  try {
    handle = await fs.open(draft, "wx", mode);
    if (mode !== undefined) await handle.chmod(mode);
    await writeContents(handle, contents, file);
    if (!cache) await handle.sync();
    await handle.close();
    handle = undefined;
    await fs.rename(draft, target);
    if (!cache) syncFolder(path.dirname(target));
  } catch (error) {
    await handle?.close().catch(() => {});
    await fs.rm(draft, { force: true }).catch(() => {});
    throw asUnwritable(file, error);
  }
}

/** The same at once, for short texts. */
export function writeWholeSync(
  file: string,
  contents: string | Uint8Array,
  { cache = false }: WriteOptions = {},
): void {
  const { target, mode, isDirect } = destinationOf(file);
  const place = isDirect ? target : draftBeside(target);
  let descriptor: number | undefined;
  try {
    descriptor = openSync(place, isDirect ? "w" : "wx", mode);
    if (!isDirect && mode !== undefined) fchmodSync(descriptor, mode);
    appendAll(descriptor, contents, file);
    if (!isDirect && !cache) fsyncSync(descriptor);
    closeSync(descriptor);
    descriptor = undefined;
    if (isDirect) return;
    renameSync(place, target);
    if (!cache) syncFolder(path.dirname(target));
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    if (!isDirect) rmSync(place, { force: true });
    throw asUnwritable(file, error);
  }
}

/** Keep what can be made again, where there is room for it: a full or read-only disk costs only the next run's time. */
export async function writeCache(file: string, contents: Contents): Promise<void> {
  try {
    await fs.mkdir(path.dirname(file), { recursive: true });
    await writeWhole(file, contents, { cache: true });
  } catch {
    // What is in memory is as good.
  }
}

/** Write all of it at the place of a descriptor; `file`: what errors call it. Errors: file-unwritable. */
export function appendAll(descriptor: number, contents: string | Uint8Array, file: string): void {
  const bytes = typeof contents === "string" ? Buffer.from(contents) : contents;
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
  } catch (error) {
    throw asUnwritable(file, error);
  }
}

/**
 * Say before the work that its result cannot be written, or would replace what the work reads. Errors: file-unwritable,
 * invalid-option.
 */
export function checkTarget(file: string, inputs: readonly string[] = []): void {
  const { target, isDirect } = destinationOf(file);
  const replaced = isDirect ? undefined : inputs.find((input) => placeOf(input) === target);
  if (replaced !== undefined) {
    const message = `${file} is read here, and the result would replace it. Name another file for the result.`;
    throw new LlamafuseError("invalid-option", message, { file, found: replaced, allowed: "another file" });
  }
  try {
    accessSync(isDirect ? target : path.dirname(target), constants.W_OK);
  } catch (error) {
    throw asUnwritable(file, error);
  }
}

/** What a failed write is called: the file, what the system said, and the cure. */
export function unwritable(file: string, cause: unknown): LlamafuseError {
  const { code = "unknown", message } = cause as NodeJS.ErrnoException;
  const problem = PROBLEMS[code] ?? `${message ?? cause}. Name a file in a folder that exists and can be written.`;
  const text = `${file} cannot be written: ${problem}`;
  return new LlamafuseError("file-unwritable", text, { found: code, file }, cause);
}

const PROBLEMS: Record<string, string> = {
  ENOSPC: "the disk is full (ENOSPC). Make room, or name a file on another disk.",
  EDQUOT: "your share of the disk is used up (EDQUOT). Make room, or name a file on another disk.",
  EFBIG:
    "it would be larger than the system allows (EFBIG). Raise the limit (ulimit -f), or name a file on another disk.",
  EIO: "the disk failed (EIO). Check the disk, or name a file on another one.",
  EROFS: "its folder is read-only (EROFS). Name a file in a folder that can be written.",
  EACCES: "you may not write there (EACCES). Name a file in a folder that exists and can be written.",
  EPERM: "you may not write there (EPERM). Name a file in a folder that exists and can be written.",
  ENOENT: "its folder does not exist (ENOENT). Name a file in a folder that exists and can be written.",
  ENOTDIR: "its folder is a file (ENOTDIR). Name a file in a folder that exists and can be written.",
  EISDIR: "it is a folder (EISDIR). Name a file in a folder that exists and can be written.",
};

/**
 * The user's own folder, below which caches and downloads are kept; undefined where the system names none (an empty HOME
 * and no entry for the user), so that nothing is ever written into the folder that a command happens to run in.
 */
export function homeFolder(): string | undefined {
  for (const name of [() => os.homedir(), () => os.userInfo().homedir]) {
    try {
      const folder = name();
      if (path.isAbsolute(folder)) return folder;
    } catch {
      // No such entry.
    }
  }
  return undefined;
}

interface Destination {
  /** Where links lead. */
  target: string;
  /** The permissions of what is replaced; undefined: those of a new file. */
  mode: number | undefined;
  /** A device or a pipe, which cannot be replaced. */
  isDirect: boolean;
}

/** Where links lead; undefined where there is nothing. */
function placeOf(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    return undefined;
  }
}

function destinationOf(file: string): Destination {
  try {
    const target = realpathSync(file);
    const status = statSync(target);
    if (status.isDirectory()) throw unwritable(file, { code: "EISDIR" });
    return { target, mode: status.mode & 0o777, isDirect: !status.isFile() };
  } catch (error) {
    if (error instanceof LlamafuseError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    // A new file; what else is wrong with its folder is said by opening it.
    if (code === "ENOENT") return { target: path.resolve(file), mode: undefined, isDirect: false };
    throw unwritable(file, error);
  }
}

/** A short name of its own: what is written may have a name as long as the system allows. */
function draftBeside(target: string): string {
  return path.join(path.dirname(target), `.llamafuse-${randomUUID()}.part`);
}

async function straight(file: string, target: string, contents: Contents): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await fs.open(target, "w");
    await writeContents(handle, contents, file);
    await handle.close();
  } catch (error) {
    await handle?.close().catch(() => {});
    throw asUnwritable(file, error);
  }
}

/** An error of what makes the contents is passed on as it is. */
async function writeContents(handle: FileHandle, contents: Contents, file: string): Promise<void> {
  const write = (bytes: Uint8Array) =>
    handle.writeFile(bytes).catch((error: unknown) => {
      throw unwritable(file, error);
    });
  if (typeof contents === "string" || contents instanceof Uint8Array) return await write(Buffer.from(contents));
  let portion: Uint8Array[] = [];
  let size = 0;
  for await (const piece of contents) {
    const bytes = typeof piece === "string" ? Buffer.from(piece) : piece;
    portion.push(bytes);
    size += bytes.length;
    if (size < PORTION_BYTES) continue;
    await write(Buffer.concat(portion));
    portion = [];
    size = 0;
  }
  await write(Buffer.concat(portion));
}

/** The name of a file is part of its folder, which has a flush of its own; some systems have none for folders. */
function syncFolder(folder: string): void {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(folder, "r");
    fsyncSync(descriptor);
  } catch {
    // Windows, and some file systems: the file itself is safe.
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function asUnwritable(file: string, error: unknown): unknown {
  const isSystems = typeof (error as NodeJS.ErrnoException | undefined)?.syscall === "string";
  return isSystems ? unwritable(file, error) : error;
}
