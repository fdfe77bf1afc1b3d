import { stripVTControlCharacters } from "node:util";
import picocolors from "picocolors";
import { describe, expect, test } from "vitest";
import { displayWidth } from "../../../src/cli/columns.js";
import { renderStep, renderSummary, TRACE_COLUMNS, traceColumns } from "../../../src/cli/generate/render-trace.js";
import type { TraceMember, TracePiece, TraceStep } from "../../../src/decoding/trace.js";

const plain = picocolors.createColors(false);
const colored = picocolors.createColors(true);

/** All steps and the summary. */
function renderTrace(steps: readonly TraceStep[], colors: typeof plain, columns = TRACE_COLUMNS): string {
  return `${steps.map((one) => renderStep(one, colors, columns)).join("")}${renderSummary(steps, colors, columns)}`;
}

function piece(text: string): TracePiece {
  if (text === "<end>") return { text: "", end: true };
  if (!text.startsWith("0x")) return { text };
  return { text: Buffer.from(text.slice(2), "hex").toString(), bytes: text.slice(2) };
}

/** A step in which each member has one candidate, or none where it was not heard. */
function step(
  index: number,
  chosen: string,
  probability: number,
  said: Record<string, [string, number] | null>,
): TraceStep {
  const members = Object.entries(said).map(([name, favourite]): TraceMember => {
    const candidates = favourite === null ? [] : [{ ...piece(favourite[0]), logProb: Math.log(favourite[1]) }];
    return { name, heard: favourite !== null, candidates, endLogProb: -9, decodeMs: 3, prepareMs: 0, decodedTokens: 1 };
  });
  return {
    index,
    chosen: { ...piece(chosen), probability },
    members,
    fused: [],
    favourite: Object.keys(said).filter((name) => said[name]?.[0] === chosen),
    ms: { decode: 3.2, fuse: 0.4, sync: 0.1 },
  };
}

const STEPS = [
  step(0, "Once", 0.91, { owl: ["Once", 0.95], wren: ["Once", 0.88] }),
  step(1, " upon", 0.56, { owl: [" upon", 0.97], wren: [" there", 0.61] }),
  step(2, "0xe4bd", 0.3, { owl: ["你好世界你好世界你好世界", 0.4], wren: ["\n\u001b[31m", 0.61] }),
  step(3, "0xa0", 1, { owl: null, wren: ["0xa0", 0.6] }),
  step(4, "<end>", 0.99, { owl: ["<end>", 0.97], wren: ["<end>", 0.61] }),
];

describe("without colors", () => {
  test("a trace of two members", () => {
    expect(renderTrace(STEPS, plain)).toBe(
      [
        "step chosen                              owl                           wren",
        '   0 "Once"             ███████▎ 0.91  ● "Once" 0.95                 ● "Once" 0.88',
        '   1 " upon"            ████▌    0.56  ● " upon" 0.97                  " there" 0.61',
        '   2 "\\xe4\\xbd"         ██▍      0.30    "你好世界你好世界你…  0.40    "\\n\\x1b[31m" 0.61',
        '   3 "\\xa0"             ████████ 1.00    –                           ● "\\xa0" 0.60',
        "   4 ⟨end⟩              ███████▉ 0.99  ● ⟨end⟩ 0.97                  ● ⟨end⟩ 0.61",
        "",
        "Once upon你",
        "",
        "agreed by all          2  40 %",
        "won by owl             1  20 %",
        "won by wren            1  20 %",
        "nobody's favourite     1  20 %",
        "5 steps, 3.70 ms each: decode 3.20, fuse 0.40, sync 0.10",
        "",
      ].join("\n"),
    );
  });

  test("a favourite that the chosen piece begins with, and a piece that was written ahead", () => {
    const steps = [
      step(0, " moo", 0.6, { owl: [" m", 0.5], wren: [" b", 0.4] }),
      step(1, " said", 1, { owl: null, wren: null }),
    ];
    const lines = renderTrace(steps, plain).split("\n");
    expect(lines[1]).toContain('◐ " m" 0.50');
    expect(lines[1]).toContain('  " b" 0.40');
    expect(lines[2]).toBe('   1 " said"                        –    –                             –');
    expect(lines.join("\n")).toContain("written ahead");
  });

  test("a trace of one member", () => {
    expect(renderTrace([step(0, "a", 1, { owl: ["a", 1] })], plain)).toBe(
      [
        "step chosen                              owl",
        '   0 "a"                ████████ 1.00  ● "a" 1.00',
        "",
        "a",
        "",
        "won by owl     1 100 %",
        "1 step, 3.70 ms each: decode 3.20, fuse 0.40, sync 0.10",
        "",
      ].join("\n"),
    );
  });

  test("members that share a win, and those that have no room", () => {
    const said = Object.fromEntries(Array.from({ length: 7 }, (_, at) => [`owl ${at}`, [at % 3 ? "b" : "a", 0.5]]));
    expect(renderTrace([step(0, "a", 0.5, said as Record<string, [string, number]>)], plain)).toBe(
      [
        "step chosen                              owl 0              owl 1              owl 2           +4",
        '   0 "a"                ████     0.50  ● "a" 0.50           "b" 0.50           "b" 0.50',
        "",
        "a",
        "",
        "won by owl 0 and owl 3 and owl 6     1 100 %",
        "1 step, 3.70 ms each: decode 3.20, fuse 0.40, sync 0.10",
        "",
      ].join("\n"),
    );
  });

  test("the columns of the terminal, between those of one member and the limit", () => {
    expect([undefined, 0, 30, 60, 80, 200].map((columns) => traceColumns({ columns }))).toEqual([
      100, 100, 56, 60, 80, 100,
    ]);
  });

  test("a narrow terminal", () => {
    const said = { owl: [" upon", 0.97], wren: [" there", 0.61], finch: [" upon", 0.5] } as const;
    const steps = [step(0, " upon", 0.56, said as unknown as Record<string, [string, number]>)];
    expect(renderTrace(steps, plain, 60)).toBe(
      [
        "step chosen                              owl             +2",
        '   0 " upon"            ████▌    0.56  ● " upon" 0.97',
        "",
        " upon",
        "",
        "won by owl and finch     1 100 %",
        "1 step, 3.70 ms each: decode 3.20, fuse 0.40, sync 0.10",
        "",
      ].join("\n"),
    );
    expect(renderStep(steps[0], plain, 80)).toContain('● " upon" 0.97       " there" 0.61');
  });

  test("an empty trace is nothing", () => {
    expect(renderTrace([], plain)).toBe("");
  });

  test("no line is wider than the limit, and none can steer the terminal", () => {
    const long = `${"你👩‍👧 word\u001b[2J\u202e\n".repeat(30)}x`;
    for (const count of [1, 2, 3, 4, 5, 9, 30]) {
      const names = Array.from(
        { length: count },
        (_, at) => `${"a model with a long name 模型 ".repeat(4)}\u001b${at}`,
      );
      const said = Object.fromEntries(
        names.map((name, at) => [name, [at < 2 ? long : "other", 0.123] as [string, number]]),
      );
      const steps = [step(0, long, 0.5, said), step(12345, "y", 0.01, said)];
      for (const columns of [56, 60, 80]) {
        for (const line of renderTrace([steps[0], { ...steps[1], index: 9999 }], plain, columns).split("\n"))
          expect(displayWidth(line)).toBeLessThanOrEqual(columns);
      }
      const text = renderTrace(steps, plain);
      for (const line of text.split("\n")) expect(displayWidth(line)).toBeLessThanOrEqual(TRACE_COLUMNS);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    }
  });
});

describe("with colors", () => {
  const esc = "\u001b";
  const [green, cyan, magenta, red, dim] = [32, 36, 35, 31, 2].map((code) => (text: string) => {
    return `${esc}[${code}m${text}${esc}[${code === 2 ? 22 : 39}m`;
  });

  test("a step has the color of those whose favourite was chosen", () => {
    const pad = (text: string) => text.padEnd(31);
    const columns = `${dim("step chosen".padEnd(37))}    ${cyan("owl".padEnd(26))}    ${magenta("wren".padEnd(26))}`;
    expect(renderStep(STEPS[0], colored)).toBe(
      `${columns}\n${dim("   0")} ${green('"Once"            ')} ${green("███████▎")} 0.91` +
        `${cyan(pad('  ● "Once" 0.95').slice(0, 30))}${magenta(pad('  ● "Once" 0.88').slice(0, 30))}\n`,
    );
    expect(renderStep(STEPS[1], colored)).toContain(`${cyan('" upon"           ')} ${cyan("████▌   ")} 0.56`);
    expect(renderStep(STEPS[1], colored)).toContain(dim(pad('    " there" 0.61').slice(0, 30)));
    expect(renderStep(STEPS[2], colored)).toContain(red("██▍     "));
  });

  test("the answer is painted by winner, a character by the step that completed it", () => {
    expect(renderSummary(STEPS, colored)).toBe(
      [
        "",
        `${green("Once")}${cyan(" upon")}${magenta("你")}`,
        "",
        `${green("■ agreed by all     ")}     2  40 %`,
        `${cyan("■ won by owl        ")}     1  20 %`,
        `${magenta("■ won by wren       ")}     1  20 %`,
        `${red("■ nobody's favourite")}     1  20 %`,
        dim("5 steps, 3.70 ms each: decode 3.20, fuse 0.40, sync 0.10"),
        "",
      ].join("\n"),
    );
  });

  test("the same words as without", () => {
    const bare = stripVTControlCharacters(renderTrace(STEPS, colored)).replaceAll("■ ", "");
    expect(bare.replace(/ +$/gm, "")).toBe(renderTrace(STEPS, plain));
  });
});
