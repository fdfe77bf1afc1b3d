/** Hidden states of GGUF members: the vectors that the logits are made of. */
import { expect, it } from "vitest";
import { tinyModel, writeTinyModel } from "../../scripts/lib/tiny-model.js";
import { SharedMemory } from "../../src/kernels/shared-memory.js";
import { LlamaMember } from "../../src/member/llama/llama-member.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const SHAPE = { dim: 32, vocabularySize: 320 };
const prompt = { text: Buffer.from("the sea"), parseSpecial: false, addBos: true };

const at = temporaryFolder();

async function withMember(work: (member: LlamaMember) => Promise<void>): Promise<void> {
  const [model] = writeTinyModel(at("tiny.gguf"), SHAPE);
  const member = await LlamaMember.load({ model, batchSize: 4 }, new SharedMemory());
  try {
    await work(member);
  } finally {
    await member.dispose();
  }
}

/** The output matrix, vocabulary × dim. */
function outputMatrix(): Float32Array {
  const tensor = tinyModel(SHAPE).tensors.find(({ name }) => name === "output.weight")!;
  return new Float32Array(Uint8Array.from(Buffer.concat([...tensor.data()])).buffer);
}

it("gives the state whose product with the output matrix is the logits, at the prompt and behind feedback", async () => {
  const matrix = outputMatrix();
  await withMember(async (member) => {
    const check = () => {
      const { hidden, logits } = member.output;
      expect(hidden.length).toBe(SHAPE.dim);
      for (let id = 0; id < SHAPE.vocabularySize; id++) {
        let logit = 0;
        for (let j = 0; j < SHAPE.dim; j++) logit += matrix[id * SHAPE.dim + j] * hidden[j];
        expect(Math.abs(logits[id] - logit)).toBeLessThan(1e-4);
      }
    };
    await member.prepare({ top: 1, hidden: true });
    await member.begin(prompt);
    check();
    member.append({ kind: "tokens", ids: [300] });
    await member.advance();
    expect(member.output.decodedTokens).toBe(1);
    check();
    member.append({ kind: "tokens", ids: [301, 302, 303, 304, 305, 306] });
    await member.advance();
    check();
  });
});

it("changes no logits, costs nothing when it is off, and can be switched on behind a decode", async () => {
  await withMember(async (member) => {
    await member.prepare({ top: 1 });
    await member.begin({ ...prompt, text: Buffer.from("s") });
    member.append({ kind: "tokens", ids: [300] });
    await member.advance();
    const without = member.output.logits.slice();
    expect(member.output.hidden.length).toBe(0);

    await member.prepare({ top: 1, hidden: true });
    await member.advance();
    expect(member.output.decodedTokens).toBe(1);
    expect(member.output.hidden.some((value) => value !== 0)).toBe(true);
    for (const [id, logit] of without.entries()) expect(member.output.logits[id]).toBeCloseTo(logit, 4);

    await member.advance();
    expect(member.output.decodedTokens).toBe(0);
  });
});
