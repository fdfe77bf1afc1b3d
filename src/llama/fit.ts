/**
 * Dividing members' layers over GPUs before anything is loaded (ours; llama.cpp's own `--fit` looks at one model).
 *
 * What goes onto a GPU of a model of n layers, in llama.cpp's order: the output first, then layers n-1, n-2, … . k of these
 * n + 1 units take the bytes of their weights and cache; a GPU with any of them also keeps room for the decode.
 *
 * 1. The largest member first: it goes whole onto the GPU that it leaves the least room on. So two members get two cards.
 * 2. Members that fit on no single GPU share what is left: of each the same share s of its bytes, the largest s for which
 *    all have room, divided over the GPUs in their order; then layer by layer while there is room.
 * 3. What is left stays in the machine's memory.
 */
import type { MemoryNeeds } from "./memory-needs.js";

export interface FitDevice {
  name: string;
  freeBytes: number;
}

/** Where a member goes: parameters for llama.cpp. */
export interface Placement {
  gpuLayers: number;
  device: string[];
  /** Units on each of the devices; absent on one. */
  tensorSplit?: number[];
}

type Needs = Pick<MemoryNeeds, "layers" | "output" | "compute">;

/** Left free on each GPU: drivers, other programs, and what our estimate of a decode misses. */
export const FIT_MARGIN_BYTES = 512 * 2 ** 20;

/** A member's placement; undefined for one that has chosen itself. */
export function fitMembers(
  needs: readonly (Needs | undefined)[],
  devices: readonly FitDevice[],
  marginBytes = FIT_MARGIN_BYTES,
): (Placement | undefined)[] {
  const free = devices.map(({ freeBytes }) => Math.max(0, freeBytes - marginBytes));
  const order = needs.flatMap((need, index) => (need === undefined ? [] : [{ need, index, units: unitsOf(need) }]));
  order.sort((a, b) => total(b.units) - total(a.units) || a.index - b.index);
  const placed: (number[] | undefined)[] = needs.map(() => undefined);
  const rest: typeof order = [];
  for (const member of order) {
    const bytes = total(member.units) + member.need.compute;
    const tightest = free
      .map((room, device) => ({ room, device }))
      .filter(({ room }) => room >= bytes)
      .sort((a, b) => a.room - b.room || a.device - b.device)[0];
    if (tightest === undefined) {
      rest.push(member);
      continue;
    }
    free[tightest.device]! -= bytes;
    placed[member.index] = free.map((_, device) => (device === tightest.device ? member.units.length : 0));
  }
  if (rest.length > 0) {
    const shares = shareRest(rest, free);
    rest.forEach(({ index }, place) => {
      placed[index] = shares[place];
    });
  }
  return placed.map((counts) => counts && placementOf(counts, devices));
}

/** Bytes of each unit in the order in which they go onto a GPU. */
function unitsOf({ layers, output }: Needs): number[] {
  return [output, ...layers.toReversed()];
}

function total(bytes: readonly number[]): number {
  return bytes.reduce((sum, each) => sum + each, 0);
}

interface Member {
  need: Needs;
  units: number[];
}

/** Units of each member on each GPU. */
function shareRest(members: readonly Member[], free: readonly number[]): number[][] {
  const countsAt = (share: number) => members.map(({ units }) => Math.floor(share * units.length));
  let best = pack(
    members,
    members.map(() => 0),
    free,
  )!;
  let counts = members.map(() => 0);
  const steps = Math.max(...members.map(({ units }) => units.length));
  for (let low = 0, high = steps; low < high; ) {
    const middle = Math.ceil((low + high) / 2);
    const tried = countsAt(middle / steps);
    const packed = pack(members, tried, free);
    if (packed === undefined) high = middle - 1;
    else [low, best, counts] = [middle, packed, tried];
  }
  // One more unit each while there is room, the first member first.
  for (let grew = true; grew; ) {
    grew = false;
    for (const [index, { units }] of members.entries()) {
      if (counts[index]! >= units.length) continue;
      const tried = counts.with(index, counts[index]! + 1);
      const packed = pack(members, tried, free);
      if (packed === undefined) continue;
      [best, counts, grew] = [packed, tried, true];
    }
  }
  return best;
}

/** So many units of each member, filled into one GPU after the other; undefined where there is no room. */
function pack(members: readonly Member[], counts: readonly number[], free: readonly number[]): number[][] | undefined {
  const room = [...free];
  const result: number[][] = [];
  for (const [index, { need, units }] of members.entries()) {
    // llama.cpp gives the earliest layers to the first device, and the output to the last.
    const inOrder = units.slice(0, counts[index]).reverse();
    const own = room.map(() => 0);
    let next = 0;
    for (let device = 0; device < room.length && next < inOrder.length; device++) {
      let left = room[device]! - need.compute;
      while (next < inOrder.length && inOrder[next]! <= left) {
        left -= inOrder[next++]!;
        own[device]!++;
      }
      if (own[device]! > 0) room[device] = left;
    }
    if (next < inOrder.length) return undefined;
    result.push(own);
  }
  return result;
}

function placementOf(counts: readonly number[], devices: readonly FitDevice[]): Placement {
  const used = counts.flatMap((count, device) => (count > 0 ? [device] : []));
  const gpuLayers = counts.reduce((sum, count) => sum + count, 0);
  if (used.length === 0) return { gpuLayers: 0, device: ["cpu"] };
  const device = used.map((index) => devices[index]!.name);
  return used.length === 1
    ? { gpuLayers, device }
    : { gpuLayers, device, tensorSplit: used.map((index) => counts[index]!) };
}
