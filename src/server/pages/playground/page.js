/** The playground: asks this server's own API and shows who won each token. No text leaves for anywhere else. */
import { Answer, readEvents } from "./answer.js";
import { showStep } from "./step.js";

const element = (id) => document.getElementById(id);
const [ask, model, mode, prompt, status] = ["ask", "model", "mode", "prompt", "status"].map(element);

/** The models as the server lists them. */
let models = [];
/** The columns: one, or two side by side; each has a conversation of its own. */
let columns = [];
let running;

function headers() {
  const key = element("key").value;
  return { "content-type": "application/json", ...(key !== "" && { authorization: `Bearer ${key}` }) };
}

function say(text, isBad = false) {
  status.textContent = text;
  status.classList.toggle("bad", isBad);
}

async function readModels() {
  const response = await fetch("v1/models", { headers: headers() });
  const body = await response.json();
  if (!response.ok) {
    say(response.status === 401 ? "This server needs a key: give it above." : body.error.message, true);
    return;
  }
  say("");
  models = body.data;
  model.replaceChildren(...models.map(({ id }) => new Option(id, id)));
  chooseModel();
}

function chosen() {
  return models.find(({ id }) => id === model.value)?.llamafuse;
}

function chooseModel() {
  const about = chosen();
  if (about === undefined) return;
  element("weights").hidden = !about.weights || about.members.length < 2;
  const sliders = about.members.map((name) => {
    const label = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { type: "number", min: "0", step: "0.1", value: "1", name });
    label.append(name, input);
    return label;
  });
  element("weights").replaceChildren(element("weights").firstElementChild, ...sliders);
  element("legend").replaceChildren(
    ...about.members.map((name, index) => legendItem(name, `m${index % 6}`)),
    legendItem("several", "shared"),
    legendItem("nobody's favourite", "nobody"),
  );
  makeColumns();
}

function legendItem(name, color) {
  const item = document.createElement("li");
  const mark = Object.assign(document.createElement("span"), { textContent: name, className: color });
  item.append(mark);
  return item;
}

function makeColumns() {
  const about = chosen();
  const count = element("compare").checked ? 2 : 1;
  columns = Array.from({ length: count }, (_, index) => makeColumn(about, index));
  element("columns").replaceChildren(...columns.map(({ root }) => root));
  element("save").disabled = true;
  element("step").replaceChildren();
}

function makeColumn({ methods }, index) {
  const root = document.createElement("article");
  root.setAttribute("aria-label", `Answer ${index + 1}`);
  const label = document.createElement("label");
  const method = document.createElement("select");
  method.replaceChildren(...methods.map((name) => new Option(name, name)));
  // Two columns begin with two methods.
  method.selectedIndex = Math.min(index, methods.length - 1);
  label.append("Method", method);
  const talk = document.createElement("div");
  const figures = Object.assign(document.createElement("p"), { className: "figures" });
  root.append(label, talk, figures);
  return { root, method, talk, figures, messages: [], answers: [] };
}

function bodyOf({ method, messages }, text) {
  const number = (id) => (element(id).value === "" ? undefined : Number(element(id).value));
  const weights = Object.fromEntries(
    [...element("weights").querySelectorAll("input")].map(({ name, value }) => [name, Number(value)]),
  );
  const isDefault = Object.values(weights).every((weight) => weight === 1);
  return {
    model: model.value,
    ...(mode.value === "chat" ? { messages: [...messages, { role: "user", content: text }] } : { prompt: text }),
    max_tokens: number("max-tokens"),
    temperature: number("temperature"),
    seed: number("seed"),
    stream: true,
    stream_options: { include_usage: true },
    llamafuse: {
      trace: 5,
      ...(chosen().methods.length > 1 && { method: method.value }),
      ...(!isDefault && { weights }),
    },
  };
}

async function answerIn(column, text, signal) {
  const isChat = mode.value === "chat";
  const asked = Object.assign(document.createElement("p"), { className: "turn asked", textContent: text });
  const answer = new Answer(chosen().members, (token, step) => select(token, step));
  column.talk.append(asked, answer.root);
  const body = bodyOf(column, text);
  const response = await fetch(isChat ? "v1/chat/completions" : "v1/completions", {
    method: "POST",
    headers: headers(),
    body: JSON.stringify(body),
    signal,
  });
  if (!response.ok) throw new Error((await response.json()).error.message);
  for await (const event of readEvents(response)) {
    if (event.error !== undefined) throw new Error(event.error.message);
    answer.take(event);
    column.figures.textContent = answer.figures;
  }
  column.answers.push({ request: body, text: answer.text, steps: answer.steps, usage: answer.usage, told: answer.told });
  if (isChat) column.messages.push({ role: "user", content: text }, { role: "assistant", content: answer.text });
}

/** The token that is looked at, by pointer or keys. */
function select(token, step) {
  document.querySelector(".token.chosen")?.classList.remove("chosen");
  token.classList.add("chosen");
  element("hint").hidden = true;
  showStep(element("step"), step, chosen().members);
}

async function submit() {
  if (running !== undefined || columns.length === 0) return;
  running = new AbortController();
  element("stop").disabled = false;
  element("send").disabled = true;
  say("Answering …");
  try {
    // One after another: a model answers one request at a time, and both figures of speed are then of a free machine.
    for (const column of columns) await answerIn(column, prompt.value, running.signal);
    say("Done.");
  } catch (error) {
    if (running.signal.aborted) say("Stopped.");
    else say(error.message, true);
  } finally {
    running = undefined;
    element("stop").disabled = true;
    element("send").disabled = false;
    element("save").disabled = columns.every(({ answers }) => answers.length === 0);
  }
}

function save() {
  const content = { saved: new Date().toISOString(), columns: columns.map(({ method, answers }) => ({ method: method.value, answers })) };
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(content, null, 2)], { type: "application/json" }));
  link.download = "llamafuse-answers.json";
  link.click();
  URL.revokeObjectURL(link.href);
}

ask.addEventListener("submit", (event) => {
  event.preventDefault();
  void submit();
});
element("stop").addEventListener("click", () => running?.abort());
element("forget").addEventListener("click", makeColumns);
element("save").addEventListener("click", save);
element("compare").addEventListener("change", makeColumns);
element("key").addEventListener("change", readModels);
model.addEventListener("change", chooseModel);
mode.addEventListener("change", makeColumns);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") running?.abort();
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) ask.requestSubmit();
  const token = event.target.closest?.(".token");
  const next = { ArrowRight: "nextElementSibling", ArrowLeft: "previousElementSibling" }[event.key];
  if (token && next !== undefined && token[next]?.matches(".token")) {
    event.preventDefault();
    token[next].focus();
  }
});

void readModels().catch(() => say("The server does not answer.", true));
