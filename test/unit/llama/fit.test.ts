import { describe, expect, it } from "vitest";
import { createEnsemble } from "../../../src/index.js";
import { fitMembers } from "../../../src/llama/fit.js";
import { RandomGenerator } from "../../../src/random.js";

const GIB = 2 ** 30;
const model = (layers: number, gib: number, compute = 0.1) => ({
  layers: Array.from({ length: layers }, () => (gib * GIB) / (layers + 1)),
  output: (gib * GIB) / (layers + 1),
  compute: compute * GIB,
});
const card = (name: string, gib: number) => ({ name, freeBytes: gib * GIB });
const fitted = (members: Parameters<typeof fitMembers>[0], cards: ReturnType<typeof card>[]) =>
  fitMembers(members, cards, 0);

describe("layers are divided", () => {
  it("two members over two cards, the larger one where there is more room", () => {
    expect(fitted([model(10, 3), model(20, 7)], [card("CUDA0", 8), card("CUDA1", 4)])).toEqual([
      { gpuLayers: 11, device: ["CUDA1"] },
      { gpuLayers: 21, device: ["CUDA0"] },
    ]);
  });

  it("two small ones share a card, where it leaves the other free for a large one", () => {
    const placed = fitted([model(4, 1), model(4, 1), model(20, 7)], [card("CUDA0", 8), card("CUDA1", 4)]);
    expect(placed.map((one) => one?.device)).toEqual([["CUDA1"], ["CUDA1"], ["CUDA0"]]);
  });

  it("one member over both cards where no single one holds it", () => {
    const [placed] = fitted([model(20, 10)], [card("CUDA0", 8), card("CUDA1", 4)]);
    expect(placed).toMatchObject({ gpuLayers: 21, device: ["CUDA0", "CUDA1"] });
    expect(placed?.tensorSplit?.reduce((sum, share) => sum + share, 0)).toBe(21);
  });

  it("what fits nowhere stays in the machine's memory, of each member as large a share", () => {
    const placed = fitted([model(20, 10), model(20, 10)], [card("CUDA0", 6)]);
    expect(Math.abs(placed[0]!.gpuLayers - placed[1]!.gpuLayers)).toBeLessThanOrEqual(1);
    expect(placed[0]!.gpuLayers + placed[1]!.gpuLayers).toBe(12);
    expect(fitted([model(20, 10, 0.5)], [card("CUDA0", 0.6)])).toEqual([{ gpuLayers: 0, device: ["cpu"] }]);
  });

  it("members that say themselves where they go are left alone", () => {
    expect(fitted([undefined, model(4, 1)], [card("Metal", 8)])).toEqual([
      undefined,
      { gpuLayers: 5, device: ["Metal"] },
    ]);
  });

  it("never onto a card without room, and all of what has room", () => {
    const random = new RandomGenerator(3);
    for (let round = 0; round < 300; round++) {
      const cards = Array.from({ length: 1 + Math.floor(random.next() * 3) }, (_, index) =>
        card(`C${index}`, random.next() * 10),
      );
      const members = Array.from({ length: 1 + Math.floor(random.next() * 4) }, () =>
        model(1 + Math.floor(random.next() * 30), random.next() * 8, random.next() * 0.3),
      );
      const used = cards.map(() => 0);
      for (const [index, placed] of fitted(members, cards).entries()) {
        const member = members[index]!;
        const { gpuLayers, device, tensorSplit } = placed!;
        if (gpuLayers === 0) continue;
        expect(gpuLayers).toBeLessThanOrEqual(member.layers.length + 1);
        const counts = tensorSplit ?? [gpuLayers];
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(gpuLayers);
        device.forEach((name, place) => {
          used[cards.findIndex((one) => one.name === name)]! += counts[place]! * member.output + member.compute;
        });
      }
      used.forEach((bytes, index) => {
        expect(bytes).toBeLessThanOrEqual(cards[index]!.freeBytes * (1 + 1e-9));
      });
    }
  });
});

it("without a GPU leaves members as they are, and with what they say of themselves", async () => {
  const member = { model: "raven", contextSize: 64, gpuLayers: 0, cacheType: "q8_0", flashAttention: true } as const;
  const ensemble = await createEnsemble({ members: [member, "sparrow"], gpu: false, fit: true, schedule: "in-turn" });
  try {
    expect((await ensemble.generate("Once", { maxTokens: 2 })).usage.steps).toBeGreaterThan(0);
  } finally {
    await ensemble.dispose();
  }
});
