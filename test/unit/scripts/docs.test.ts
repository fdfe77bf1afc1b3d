import { describe, expect, it } from "vitest";
import { benchTable, linked, textTable } from "../../../scripts/docs/markdown.js";
import { measurementsPage, resultsTable } from "../../../scripts/docs/measurements.js";
import { methodsPage, routersPage, selectionsPage } from "../../../scripts/docs/methods.js";
import { surveyPage } from "../../../scripts/docs/survey.js";
import { SURVEY } from "../../../scripts/docs/survey-rows.js";
import { cascadeInfos } from "../../../src/after/cascade/registry.js";
import { regenerationInfos } from "../../../src/after/regenerate/registry.js";
import { selectionInfos } from "../../../src/after/select/registry.js";
import { routerInfos } from "../../../src/before/registry.js";
import { methodInfos } from "../../../src/during/methods.js";

describe("tables in Markdown", () => {
  it("keep cells apart where a text has bars or line breaks", () => {
    expect(textTable(["a"], [["x|y\nz"]])).toBe("| a |\n| --- |\n| x\\|y z |");
  });

  it("write figures with their interval, numbers on the right, and a dash for none", () => {
    const columns = [
      { key: "who", title: "who" },
      { key: "all", title: "all", digits: 1 },
    ];
    const rows = [
      { who: "gac", all: { value: 80, low: 70, high: 90 } },
      { who: "me", all: null },
    ];
    expect(benchTable({ columns, rows } as never)).toBe(
      "| who | all |\n| --- | ---: |\n| gac | 80.0 [70.0, 90.0] |\n| me | – |",
    );
  });

  it("link every arXiv id of a source", () => {
    expect(linked("arXiv 2309.09117; arXiv 2210.15097")).toBe(
      "arXiv [2309.09117](https://arxiv.org/abs/2309.09117); arXiv [2210.15097](https://arxiv.org/abs/2210.15097)",
    );
    expect(linked("Hinton 2002")).toBe("Hinton 2002");
  });
});

describe("generated pages", () => {
  it("have a section for every method and router, with every option", () => {
    for (const [page, infos] of [
      [methodsPage(), methodInfos] as const,
      [routersPage(), routerInfos] as const,
      [selectionsPage(), selectionInfos] as const,
    ]) {
      for (const { name, options } of infos) {
        const [, section] = page.split(`\n## ${name}\n`);
        expect(section, name).toBeDefined();
        for (const option of Object.keys(options)) expect(section).toContain(`| \`${option}\` |`);
      }
    }
  });

  it("list every system of the survey once, built ones by our name", () => {
    const page = surveyPage();
    const rows = SURVEY.flatMap(({ sections }) => sections.flatMap((section) => section.rows));
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
    const built = new Set(
      [...methodInfos, ...routerInfos, ...selectionInfos, ...regenerationInfos, ...cascadeInfos].map(
        ({ name }) => name,
      ),
    );
    for (const { system, name } of rows) {
      const line = page.split("\n").find((each) => each.startsWith(`| ${system} |`));
      expect(line, system).toContain(built.has(name) ? `\`${name}\`` : "not built yet");
    }
  });

  it("name the command of every report", () => {
    const page = measurementsPage();
    for (const name of ["quality", "routing", "step", "fused", "peer", "load", "alignments", "routers"])
      expect(page).toMatch(new RegExp(`\`npm run bench -- ${name}[ \`]`));
    expect(resultsTable()).toMatch(/^\| gac \|/m);
  });
});
