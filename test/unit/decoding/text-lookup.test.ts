import { expect, it } from "vitest";
import { TextLookup } from "../../../src/decoding/text-lookup.js";
import { RandomGenerator } from "../../../src/random.js";

const AGREEING = 6;

/** By definition: what follows the last earlier place where the same six bytes end, and how far back it agrees. */
function bruteForce(text: Buffer, most: number): { bytes: Buffer; agreeing: number } | undefined {
  for (let end = text.length - 1; end >= AGREEING; end--) {
    let agreeing = 0;
    while (agreeing < Math.min(32, end) && text[end - 1 - agreeing] === text[text.length - 1 - agreeing]) agreeing++;
    if (agreeing >= AGREEING) return { bytes: text.subarray(end, Math.min(end + most, text.length)), agreeing };
  }
  return undefined;
}

it("finds what followed the last time, as searching the whole text does", () => {
  const random = new RandomGenerator(5);
  let text = Buffer.alloc(0);
  const lookup = new TextLookup();
  let found = 0;
  for (let step = 0; step < 600; step++) {
    const bytes = Buffer.from(Array.from({ length: 1 + (step % 3) }, () => 97 + Math.floor(2 * random.next())));
    lookup.push(bytes);
    text = Buffer.concat([text, bytes]);
    const expected = bruteForce(text, 20);
    const own = lookup.find(20);
    expect(own && { ...own, bytes: Buffer.from(own.bytes) }).toEqual(expected);
    if (own !== undefined) found++;
  }
  expect(found).toBeGreaterThan(400);
});

it("finds nothing where the end of the text is new, or too short", () => {
  const lookup = new TextLookup();
  expect(lookup.find(8)).toBeUndefined();
  lookup.push(Buffer.from("abcabc"));
  expect(lookup.find(8)).toBeUndefined();
  lookup.push(Buffer.from([0, 255, 0, 255, 1, 2, 0, 255, 0, 255, 1, 2]));
  expect(Buffer.from(lookup.find(4)!.bytes)).toEqual(Buffer.from([0, 255, 0, 255]));
});
