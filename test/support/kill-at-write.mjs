/**
 * Preloaded into a child (`--import`): the process kills itself at the Nth write, flush or rename of a file, N being
 * LLAMAFUSE_KILL_AT, before it, in its middle (half of the bytes are written) or after it (LLAMAFUSE_KILL_WHEN). Nothing
 * can be tidied up behind a SIGKILL, as behind a power button.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { isMainThread } from "node:worker_threads";

const at = Number(process.env.LLAMAFUSE_KILL_AT);
const when = process.env.LLAMAFUSE_KILL_WHEN;
let count = 0;

/** The bytes of `writeSync` and of a file handle's `write` and `writeFile`. */
const half = (bytes) => (typeof bytes === "string" ? Buffer.from(bytes) : bytes).subarray(0, bytes.length >> 1);
const die = () => {
  process.kill(process.pid, "SIGKILL");
  // The signal comes at once, but not before this call returns.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
};

function wrapSync(owner, name, writeHalf) {
  const original = owner[name];
  owner[name] = function (...args) {
    if (name === "writeSync" && args[0] <= 2) return original.apply(this, args);
    const isIt = ++count === at;
    if (isIt && when === "before") die();
    if (isIt && when === "middle" && writeHalf !== undefined) {
      writeHalf(original, this, args);
      die();
    }
    const result = original.apply(this, args);
    if (isIt) {
      if (typeof result?.then === "function") return result.then(die);
      die();
    }
    return result;
  };
}

if (isMainThread && at > 0) {
  wrapSync(fs, "writeSync", (write, self, [file, bytes, start = 0]) => write.call(self, file, half(bytes.subarray(start))));
  wrapSync(fs, "fsyncSync");
  wrapSync(fs, "renameSync");
  wrapSync(fs, "ftruncateSync");
  wrapSync(fs.promises, "rename");
  const handle = await fs.promises.open("/dev/null", "r");
  const { prototype } = handle.constructor;
  await handle.close();
  wrapSync(prototype, "writeFile", (_, self, [bytes]) => fs.writeSync(self.fd, half(bytes)));
  wrapSync(prototype, "sync");
  syncBuiltinESMExports();
  process.on("exit", () => {
    if (process.env.LLAMAFUSE_KILL_COUNT) fs.appendFileSync(process.env.LLAMAFUSE_KILL_COUNT, `${count}\n`);
  });
}
