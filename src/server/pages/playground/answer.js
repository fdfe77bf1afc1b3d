/** One answer as it comes: tokens with the colours of those who chose them, and its figures. */
import { tokenClass, tokenTitle } from "./step.js";

/** The data of server-sent events, without the mark at the end. */
export async function* readEvents(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    held += value;
    const events = held.split("\n\n");
    held = events.pop();
    for (const event of events) {
      const data = event.slice("data: ".length);
      if (data !== "[DONE]") yield JSON.parse(data);
    }
  }
}

export class Answer {
  root = document.createElement("div");
  steps = [];
  text = "";
  usage;
  told;
  #members;
  #onSelect;
  #thoughts;
  #tokens = Object.assign(document.createElement("p"), { className: "turn" });
  #started = performance.now();

  constructor(members, onSelect) {
    this.#members = members;
    this.#onSelect = onSelect;
    this.root.append(this.#tokens);
  }

  /** How much and how fast. */
  get figures() {
    const seconds = (performance.now() - this.#started) / 1000;
    const speed = this.told?.steps_per_second ?? this.steps.length / seconds;
    const cost = this.usage === undefined ? "" : ` · ${this.usage.llamafuse.member_tokens} tokens of all members`;
    return `${this.steps.length} steps · ${speed.toFixed(1)} steps/s${cost}`;
  }

  take({ choices: [choice], usage }) {
    if (usage) this.usage = usage;
    if (choice === undefined) return;
    const { step, reasoning, ...told } = choice.llamafuse ?? {};
    this.text += choice.delta?.content ?? choice.text ?? "";
    if (reasoning !== undefined) this.#think(reasoning);
    if (step !== undefined) this.#add(step);
    if (choice.finish_reason !== null) this.told = told;
  }

  #think({ member, text }) {
    if (this.#thoughts === undefined) {
      this.#thoughts = Object.assign(document.createElement("p"), { className: "turn thought" });
      this.root.prepend(this.#thoughts);
    }
    if (this.#thoughts.dataset.member !== member) {
      this.#thoughts.dataset.member = member;
      this.#thoughts.append(`${member}: `);
    }
    this.#thoughts.append(text);
  }

  #add(step) {
    this.steps.push(step);
    if (step.chosen.end) return;
    const token = Object.assign(document.createElement("span"), {
      className: `token ${tokenClass(step, this.#members)}`,
      textContent: step.chosen.text,
      tabIndex: this.steps.length === 1 ? 0 : -1,
    });
    token.setAttribute("role", "button");
    token.setAttribute("aria-label", tokenTitle(step));
    const select = () => this.#onSelect(token, step);
    token.addEventListener("pointerenter", select);
    token.addEventListener("focus", select);
    token.addEventListener("click", select);
    this.#tokens.append(token);
  }
}
