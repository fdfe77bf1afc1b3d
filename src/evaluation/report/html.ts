/** The report as one HTML page: nothing from elsewhere, no scripts, light and dark. */

import { escapeHtml, interval, percent, points, quantity } from "../../report/markup.js";
import { STYLE } from "../../report/style.js";
import { barChart, costChart } from "./charts.js";
import { type EvaluationReport, type QuestionReport, type Row, readingNote, type TaskReport } from "./summary.js";

/** More panels than this are a wall; the table has all tags. */
const MOST_PANELS = 12;
/** A browser's patience; the JSON report has all questions. */
const MOST_QUESTIONS = 500;

export function renderHtml(report: EvaluationReport): string {
  const title = `Evaluation of ${report.members.map(({ name }) => name).join(", ")}`;
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">',
    `<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body><main>`,
    `<h1>${escapeHtml(title)}</h1>`,
    renderSettings(report),
    ...report.notes.map((note) => `<p class="note">${escapeHtml(note)}</p>`),
    ...report.tasks.map(renderTask),
    "</main></body></html>\n",
  ].join("\n");
}

function renderSettings({ members, settings }: EvaluationReport): string {
  const { seed, chat, generation = {}, limit } = settings;
  const given = Object.entries({ ...generation, limit }).filter(([, value]) => value !== undefined);
  const sampling = (generation.temperature ?? 0) === 0 ? "greedy" : "sampled";
  const words = [
    sampling,
    `seed ${seed}`,
    ...(chat ? ["chat templates"] : []),
    ...given.map(([name, value]) => `${name} ${value}`),
  ];
  const rows = members.map(
    ({ name, model, sha256, parameters }) =>
      `<tr><th>${escapeHtml(name)}</th><td>${quantity(parameters)}</td><td>${escapeHtml(model)}</td><td><code>${sha256.slice(0, 16)}</code></td></tr>`,
  );
  return [
    `<p>${escapeHtml(words.join(" · "))}</p>`,
    "<details><summary>Members</summary>",
    table(["member", "parameters", "model", "sha256"], rows),
    "</details>",
  ].join("\n");
}

function renderTask(task: TaskReport): string {
  const note = readingNote(task);
  const tags = Object.keys(task.tags);
  const panels = [
    barChart(`all (${task.count})`, task.rows, ({ all }) => all),
    ...tags
      .slice(0, MOST_PANELS - 1)
      .map((tag) => barChart(`${tag} (${task.tags[tag]})`, task.rows, (row) => row.tags[tag])),
  ];
  const costs = [
    costChart("Tokens evaluated", "tokens a question", task.rows, ({ cost }) => cost.tokens),
    costChart("Parameters × tokens", "parameters × tokens a question", task.rows, ({ cost }) => cost.parameterTokens),
    costChart("Time", "seconds a question", task.rows, ({ cost }) => cost.seconds),
  ];
  return [
    `<section><h2>${escapeHtml(task.name)}</h2>`,
    `<p>${task.count} questions, graded by ${escapeHtml(task.metric)}: ${escapeHtml(task.grading)}. Whiskers and brackets are 95 % bootstrap intervals. ${LEGEND}</p>`,
    `<h3>Grades in percent${tags.length > 0 ? ", by tag" : ""}</h3><div class="panels">${panels.join("")}</div>`,
    `<h3>Grades against cost</h3><div class="panels">${costs.join("")}</div>`,
    ...(note === undefined ? [] : [`<p class="note">${escapeHtml(note)}</p>`]),
    renderTable(task, tags),
    renderDifferences(task),
    "</section>",
  ].join("\n");
}

const LEGEND = ["member", "method", "oracle"]
  .map(
    (kind) =>
      `<span class="key ${kind}"></span> ${kind === "oracle" ? "oracle: the best member of each question" : kind}`,
  )
  .join(" &nbsp; ");

function renderTable({ rows, bestMember }: TaskReport, tags: readonly string[]): string {
  const head = ["", "all", `against ${bestMember}`, ...tags, "tokens", "parameters × tokens", "seconds", "steps/s"];
  const lines = rows.map(({ name, kind, all, tags: byTag, difference, cost }) => {
    const cells = [
      `<b>${percent(all.value)}</b> <small>${interval(all)}</small>`,
      difference === undefined ? "" : `${points(difference.value)} <small>${interval(difference, points)}</small>`,
      ...tags.map((tag) => `${percent(byTag[tag].value)} <small>${interval(byTag[tag])}</small>`),
      quantity(cost.tokens),
      quantity(cost.parameterTokens),
      quantity(cost.seconds),
      cost.stepsPerSecond === null ? "" : quantity(cost.stepsPerSecond),
    ];
    return `<tr><th><span class="key ${kind}"></span> ${escapeHtml(name)}</th>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
  });
  return `<h3>All numbers</h3><p>Costs are means a question; differences are paired, in percentage points.</p>${table(head, lines)}`;
}

/** The questions on which methods, or a method and the best member, have different grades. */
function renderDifferences({ rows, bestMember, questions }: TaskReport): string {
  const compared = rows.flatMap(({ name, kind }, place) =>
    kind === "method" || (kind === "member" && name === bestMember) ? [place] : [],
  );
  const differing = questions.filter(({ results }) => new Set(compared.map((place) => results[place].grade)).size > 1);
  const shown = differing.slice(0, MOST_QUESTIONS);
  const rest = differing.length > shown.length ? ` The first ${shown.length} are here; --json has all.` : "";
  const who = `methods, or a method and ${escapeHtml(bestMember)},`;
  return [
    `<h3>Where they differ</h3><p>${differing.length} of ${questions.length} questions on which ${who} have different grades.${rest}</p>`,
    ...shown.map((question) => renderQuestion(question, rows)),
  ].join("\n");
}

function renderQuestion(question: QuestionReport, rows: readonly Row[]): string {
  const { results, tags, answers, choices = [] } = question;
  const listed = choices.map((choice) => `<li>${escapeHtml(choice)}</li>`);
  const lines = rows.flatMap(({ name, kind }, place) => {
    if (kind === "oracle") return [];
    const { text, grade, error } = results[place];
    const mark = grade === 1 ? "✓" : grade === 0 ? "✗" : percent(grade);
    const said = error === undefined ? escapeHtml(text.trim()) : `<em>${escapeHtml(error)}</em>`;
    return `<tr><th><span class="key ${kind}"></span> ${escapeHtml(name)}</th><td class="${grade === 1 ? "right" : "wrong"}">${mark}</td><td class="said">${said}</td></tr>`;
  });
  return [
    `<details><summary>${escapeHtml(question.question)} <small>${escapeHtml(tags.join(", "))}</small></summary>`,
    listed.length > 0 ? `<ol type="A">${listed.join("")}</ol>` : "",
    `<p>Accepted: ${escapeHtml(answers.join(" · "))}</p>`,
    `<div class="wide"><table>${lines.join("")}</table></div></details>`,
  ].join("");
}

function table(head: readonly string[], rows: readonly string[]): string {
  const cells = head.map((cell) => `<th>${escapeHtml(cell)}</th>`).join("");
  return `<div class="wide"><table><thead><tr>${cells}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
}
