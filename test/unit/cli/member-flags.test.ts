import { Command } from "commander";
import { expect, it } from "vitest";
import { addMemberFlags, type MemberFlags, withMemberFlags } from "../../../src/cli/member-flags.js";
import { checkMemberOptions } from "../../../src/member/member-options.js";
import { refusal } from "../../support/refusal.js";

const members = [{ model: "a.gguf" }, { model: "b.gguf" }];
const parsed = (...words: string[]) =>
  withMemberFlags(
    members,
    addMemberFlags(new Command()).exitOverride().parse(words, { from: "user" }).opts<MemberFlags>(),
  );

it("an option given once is every member's, given for each in their order", () => {
  expect(parsed("--gpu-layers", "max", "--device", "CUDA0", "--device", "Vulkan0,Vulkan1")).toEqual([
    { model: "a.gguf", gpuLayers: "max", device: "CUDA0" },
    { model: "b.gguf", gpuLayers: "max", device: ["Vulkan0", "Vulkan1"] },
  ]);
  expect(parsed()).toEqual(members);
});

it("reads every option as the library takes it", () => {
  const words =
    "--gpu-layers 3 --main-gpu 1 --flash-attention on --cache-type q8_0,f16 --lora x.gguf:0.5,y.gguf --lora none " +
    "--rope-scaling yarn:4:8192 --mmap off --mlock on";
  const [first, second] = parsed(...words.split(" "));
  expect(first).toEqual({
    model: "a.gguf",
    gpuLayers: 3,
    mainGpu: 1,
    flashAttention: true,
    cacheType: { k: "q8_0", v: "f16" },
    loraAdapters: [
      { file: "x.gguf", scale: 0.5 },
      { file: "y.gguf", scale: 1 },
    ],
    ropeScaling: { type: "yarn", factor: 4, originalContext: 8192 },
    mmap: false,
    mlock: true,
  });
  expect(second?.loraAdapters).toEqual([]);
  expect(parsed("--tensor-split", "3,1")[0]?.tensorSplit).toEqual([3, 1]);
  expect(parsed("--lora", "C:\\x.gguf")[0]?.loraAdapters).toEqual([{ file: "C:\\x.gguf", scale: 1 }]);
  expect(parsed("--flash-attention", "auto", "--cache-type", "q4_0")[0]).toMatchObject({
    flashAttention: "auto",
    cacheType: { k: "q4_0", v: "q4_0" },
  });
  for (const member of [first, second]) checkMemberOptions(member!);
});

it.each([
  [["--gpu-layers", "1", "--gpu-layers", "2", "--gpu-layers", "3"], /--gpu-layers was given 3 times for 2 members/],
  [["--gpu-layers", "some"], /--gpu-layers needs a number; found "some"/],
  [["--tensor-split", "3,"], /--tensor-split needs a number/],
  [["--flash-attention", "yes"], /--flash-attention needs on, off or auto/],
  [["--mmap", "maybe"], /--mmap needs on or off/],
  [["--rope-scaling", "yarn:x"], /--rope-scaling needs a number/],
])("refuses %j", async (words, message) => {
  const error = await refusal(() => parsed(...words));
  expect([error.code, error.message]).toEqual(["invalid-option", expect.stringMatching(message)]);
});

it("what it lets through is checked with the member", async () => {
  const [member] = parsed("--cache-type", "q9_9");
  expect((await refusal(() => checkMemberOptions(member!))).message).toMatch(/cacheType/);
});
