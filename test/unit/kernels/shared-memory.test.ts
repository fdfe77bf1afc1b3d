import { describe, expect, test } from "vitest";
import { loadKernels } from "../../../src/kernels/kernels.js";
import { SharedMemory } from "../../../src/kernels/shared-memory.js";

const PAGE = 65536;

describe("SharedMemory", () => {
  test("gives out aligned, zeroed, separate regions beyond the first page", () => {
    const shared = new SharedMemory();
    const a = shared.allocate(5);
    const b = shared.allocate(3, 4);
    const c = shared.allocate(1, 64);
    expect([a, b, c]).toEqual([PAGE, PAGE + 8, PAGE + 64]);
    expect(Array.from(shared.uint8(a, 65))).toEqual(new Array(65).fill(0));
    expect(shared.used).toBe(PAGE + 65);
  });

  test("is used again, as good as new, when all who used it have left", () => {
    const shared = SharedMemory.take();
    const [leave, leaveToo] = [shared.use(), shared.use()];
    const region = shared.allocate(2_000_000);
    shared.uint8(region, 2_000_000).fill(7);
    leave();
    leave();
    expect(SharedMemory.take()).not.toBe(shared);
    leaveToo();
    const again = SharedMemory.take();
    expect(again).toBe(shared);
    expect(again.used).toBe(PAGE);
    expect(again.uint8(again.allocate(2_000_000), 2_000_000).every((byte) => byte === 0)).toBe(true);
    expect(SharedMemory.take()).not.toBe(shared);
  });

  test("is not kept where it is large, or was made and not taken", () => {
    const [large, made] = [SharedMemory.take(), new SharedMemory()];
    const leave = [large.use(), made.use()];
    large.allocate(65 * 2 ** 20);
    for (const each of leave) each();
    expect([large, made]).not.toContain(SharedMemory.take());
  });

  test("starts with one page and grows as regions ask for it", () => {
    const shared = new SharedMemory();
    expect(shared.memory.buffer.byteLength).toBe(PAGE);
    const region = shared.allocate(10_000_000);
    shared.uint8(region, 10_000_000)[9_999_999] = 1;
    expect(shared.memory.buffer.byteLength).toBeGreaterThanOrEqual(PAGE + 10_000_000);
  });

  test("views of every kind show the same bytes, before and after growth", () => {
    const shared = new SharedMemory();
    const region = shared.allocate(16);
    const early = shared.float64(region, 2);
    shared.allocate(50_000_000);
    shared.float64(region, 2).set([1, -2]);
    expect(Array.from(early)).toEqual([1, -2]);
    expect(shared.uint32(region + 4, 1)[0]).toBe(0x3ff00000);
    expect(shared.int32(region + 12, 1)[0]).toBe(-0x40000000);
    expect(shared.float32(region + 12, 1)[0]).toBe(-2);
  });

  test("wrapping the same memory again goes on where the other stopped", () => {
    const shared = new SharedMemory();
    shared.allocate(100);
    const again = new SharedMemory(shared.memory);
    expect(again.allocate(4)).toBe(PAGE + 112);
    expect(shared.allocate(4)).toBe(PAGE + 128);
  });

  test("beyond 1 GiB it says what was asked for, and stays usable", () => {
    const shared = new SharedMemory();
    expect(() => shared.allocate(2 ** 30)).toThrow(
      expect.objectContaining({ code: "out-of-memory", details: { bytes: 2 ** 30, used: PAGE, limit: 2 ** 30 } }),
    );
    expect(shared.allocate(4)).toBe(PAGE);
  });

  test("every ensemble has its own", () => {
    const [a, b] = [loadKernels(), loadKernels()];
    const region = a.shared.allocate(8);
    expect(b.shared.allocate(8)).toBe(region);
    a.shared.float64(region, 1)[0] = 7;
    expect(b.sum(region, 1)).toBe(0);
  });
});
