/**
 * Reads the head of a file forwards, in blocks, and never past what the file holds: every length is compared with the
 * file's size before a byte is read or a buffer grows, so a damaged length costs an error and not memory.
 */
import { readSync } from "node:fs";
import { Cure, invalidModel, quoted } from "../checks/model-error.js";

/** The first read; most headers without a vocabulary fit. Later reads double, so a header is copied at most twice. */
const FIRST_BLOCK_BYTES = 256 * 1024;

/**
 * The largest header that is read. Vocabularies of 256k tokens with 500k merges take about 15 MiB, so this leaves
 * room for growth and still bounds what a damaged count can make us read.
 */
const MAX_HEADER_BYTES = 256 * 1024 * 1024;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class HeaderCursor {
  /** Bytes [0, #filled) of the file. */
  #buffer: Buffer;
  #view: DataView;
  #filled = 0;
  position = 0;

  constructor(
    readonly file: string,
    readonly descriptor: number,
    readonly fileBytes: number,
  ) {
    this.#buffer = Buffer.allocUnsafe(Math.min(FIRST_BLOCK_BYTES, fileBytes));
    this.#view = viewOf(this.#buffer);
  }

  /** Bytes between the position and the end of the file. */
  get remaining(): number {
    return this.fileBytes - this.position;
  }

  /** Make sure that the next `count` bytes are in memory. `what` completes "… ends inside <what>". */
  need(count: number, what: string): void {
    const end = this.position + count;
    if (end <= this.#filled) return;
    if (end > this.fileBytes) {
      throw invalidModel(
        this.file,
        `the file ends inside ${what}: ${count} bytes are needed at byte ${this.position}, ` +
          `but the file has ${this.fileBytes} bytes.`,
        Cure.download,
        { found: this.fileBytes, allowed: end },
      );
    }
    if (end > MAX_HEADER_BYTES) {
      throw invalidModel(
        this.file,
        `the header goes on past byte ${end} (${what}); at most ${MAX_HEADER_BYTES} bytes are allowed.`,
        Cure.download,
        { found: end, allowed: MAX_HEADER_BYTES },
      );
    }
    this.#grow(end);
  }

  #grow(end: number): void {
    if (end > this.#buffer.length) {
      const size = Math.min(Math.max(end, 2 * this.#buffer.length), this.fileBytes, MAX_HEADER_BYTES);
      const larger = Buffer.allocUnsafe(size);
      this.#buffer.copy(larger, 0, 0, this.#filled);
      this.#buffer = larger;
      this.#view = viewOf(larger);
    }
    while (this.#filled < end) {
      const count = readSync(
        this.descriptor,
        this.#buffer,
        this.#filled,
        this.#buffer.length - this.#filled,
        this.#filled,
      );
      if (count === 0) {
        throw invalidModel(this.file, "the file became shorter while it was read.", Cure.download);
      }
      this.#filled += count;
    }
  }

  uint32(what: string): number {
    this.need(4, what);
    const value = this.#view.getUint32(this.position, true);
    this.position += 4;
    return value;
  }

  /** An unsigned 64-bit count or length as a number; above 2^53 it is exact enough to be compared and refused. */
  uint64(what: string): number {
    this.need(8, what);
    const low = this.#view.getUint32(this.position, true);
    const high = this.#view.getUint32(this.position + 4, true);
    this.position += 8;
    return high * 0x1_0000_0000 + low;
  }

  /** A count of things that take at least `minBytes` each, so that no count can exceed what the file holds. */
  count(what: string, limit: number, minBytes: number): number {
    const count = this.uint64(`the number of ${what}`);
    const room = Math.floor(this.remaining / minBytes);
    if (count <= limit && count <= room) return count;
    const allowed =
      count > limit ? `${limit} are allowed` : `only ${room} fit into the ${this.remaining} bytes that follow`;
    throw invalidModel(this.file, `it says ${count} ${what}; ${allowed}.`, Cure.download, {
      found: count,
      allowed: Math.min(limit, room),
    });
  }

  stringLength(what: string, limit: number): number {
    const length = this.uint64(`the length of ${what}`);
    if (length <= limit) return length;
    throw invalidModel(this.file, `${what} has a string of ${length} bytes; ${limit} are allowed.`, Cure.download, {
      found: length,
      allowed: limit,
    });
  }

  string(what: string, limit: number): Buffer {
    return this.bytes(this.stringLength(what, limit), what);
  }

  /** A key or a tensor's name: UTF-8 without NUL (C would end the name there, and two names could become one). */
  name(what: string, limit: number): string {
    const bytes = this.string(what, limit);
    try {
      if (!bytes.includes(0)) return utf8.decode(bytes);
    } catch {
      // Falls through to the one error for names that are not text.
    }
    throw invalidModel(this.file, `${what} is not UTF-8 text: ${quoted(bytes.toString("latin1"))}.`, Cure.download, {
      found: bytes.toString("hex"),
    });
  }

  /** A view of the next bytes; valid only until the next read (a larger block may replace the buffer). */
  bytes(count: number, what: string): Buffer {
    this.need(count, what);
    const start = this.position;
    this.position += count;
    return this.#buffer.subarray(start, this.position);
  }

  /** The header's bytes [0, position) in a buffer of their own size, for what stays in memory after reading. */
  header(): Buffer {
    const used = this.#buffer.subarray(0, this.position);
    return this.#buffer.length > this.position + FIRST_BLOCK_BYTES ? Buffer.from(used) : used;
  }
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
}
