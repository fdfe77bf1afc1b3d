/**
 * koffi, configured before anything uses it: the only file that imports koffi itself, since koffi takes no settings in a
 * thread that has loaded a library, and a bundle evaluates modules in an order of its own.
 */
import koffi from "koffi";

/** The most that koffi allows. */
const STACK_BYTES = 16 * 1024 * 1024;

/**
 * The stack that native calls of this thread run on: koffi's own, 2 MiB unless said before. llama.cpp's tokenizers recurse
 * (see word-lengths.ts), so they get 16 MiB, or what a program that used koffi in this thread before us has left.
 */
export const nativeStackBytes = takeLargestStack();

export type { LibraryHandle, TypeObject } from "koffi";
export default koffi;

function takeLargestStack(): number {
  try {
    koffi.config({ ...koffi.config(), sync_stack_size: STACK_BYTES });
  } catch {
    // A library is already loaded in this thread: its setting holds.
  }
  return koffi.config().sync_stack_size as number;
}
