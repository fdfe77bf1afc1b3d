/** docs/survey.md: the systems of the survey, and where each one stands here. */
import { cascadeInfos } from "../../src/after/cascade/registry.js";
import { regenerationInfos } from "../../src/after/regenerate/registry.js";
import { selectionInfos } from "../../src/after/select/registry.js";
import { routerInfos } from "../../src/before/registry.js";
import { methodInfos } from "../../src/during/methods.js";
import { linked, textTable } from "./markdown.js";
import { SURVEY, type SurveyRow } from "./survey-rows.js";

export function surveyPage(): string {
  const all = [...methodInfos, ...routerInfos, ...selectionInfos, ...regenerationInfos, ...cascadeInfos];
  const built = new Set(all.map(({ name }) => name));
  const rows = SURVEY.flatMap(({ sections }) => sections.flatMap((section) => section.rows));
  const count = rows.filter(({ name }) => built.has(name)).length;
  const parts = [
    "# The survey's systems",
    `"Harnessing Multiple Large Language Models: A Survey on LLM Ensemble" (${linked("arXiv 2502.18036")}) orders the field by when
models are combined: before, during or after inference. Its Tables 1 to 3 list ${rows.length} systems; ${count} of them are built.`,
    `How to read the columns: *models* is how many models a system combines; *supervision* says what it learns from; *defaults*
says whether our defaults are the paper's; *proof* names the golden files (numbers made by the published code or by
brute force, \`npm run golden\`) or tests that hold our version to the paper.`,
  ];
  for (const { title, sections } of SURVEY) {
    parts.push(`## ${title}`);
    for (const section of sections) parts.push(`### ${section.title}`, sectionTable(section.rows, built));
  }
  return `${parts.join("\n\n")}\n`;
}

function sectionTable(rows: readonly SurveyRow[], built: ReadonlySet<string>): string {
  return textTable(
    ["system", "source", "name here", "models", "supervision", "what it does", "defaults", "proof"],
    rows.map((row) => {
      const isBuilt = built.has(row.name);
      return [
        row.system,
        linked(row.source),
        isBuilt ? `\`${row.name}\`` : "not built yet",
        row.models,
        row.supervision,
        row.traits,
        isBuilt ? row.defaults : "–",
        isBuilt ? row.proof : "–",
      ];
    }),
  );
}
