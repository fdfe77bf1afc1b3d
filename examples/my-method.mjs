// A method of your own: every string gets the largest probability that any member gives it. Run: node examples/my-method.mjs
import { createEnsemble, defineMethod, nativeModels } from "llamafuse";
import { checkMethod } from "llamafuse/laws";

const loudest = defineMethod({
  name: "loudest",
  summary: "The largest probability that any member gives a string, among the likeliest strings of each.",
  source: "-",
  requires: "Any vocabularies.",
  options: { texts: { k: "The likeliest tokens of each member that count; default 10." }, check: ({ k = 10 }) => ({ k }) },
  needs: ({ k }) => ({ topDepth: k, lookup: "all", goingBack: true }),
  create: ({ voices, advance }, { k }) => new LoudestRun(voices, advance, k),
  // A distribution covers some strings, not all; no law is exempt.
  laws: [{ covers: "some" }, { options: { k: 3 }, covers: "some" }],
});

class LoudestRun {
  #strings = [];

  constructor(voices, advance, k) {
    Object.assign(this, { voices, advance, k });
  }

  async prepare() {
    await Promise.all(this.voices.map(({ member }) => member.prepare({ top: this.k })));
  }

  // p(s) ∝ max_i w_i p_i(s) over the members' likeliest strings; the empty string is the end.
  async step() {
    const behind = this.voices.filter(({ member }) => !member.hasOutput);
    if (behind.length > 0) await this.advance(behind);
    const strings = new Map();
    for (const { member } of this.voices) {
      const { topIds, topCount } = member.output;
      for (const id of topIds.subarray(0, topCount)) {
        const bytes = textOf(member, id);
        strings.set(Buffer.from(bytes).toString("latin1"), bytes);
      }
    }
    this.#strings = [...strings.values()];
    const shares = await Promise.all(this.voices.map(({ member }) => sharesOf(member, this.#strings)));
    const loudest = this.#strings.map((_, s) => Math.max(...this.voices.map(({ weight }, i) => weight * shares[i][s])));
    const sum = loudest.reduce((total, value) => total + value, 0);
    const probabilities = Float64Array.from(loudest, (value) => value / sum);
    return {
      size: probabilities.length,
      probabilities,
      best: probabilities.indexOf(Math.max(...probabilities)),
      endEntry: this.#strings.findIndex(({ length }) => length === 0),
      bytesOf: (entry) => this.#strings[entry],
    };
  }

  accept(entry) {
    const bytes = this.#strings[entry];
    for (const { member } of this.voices) {
      if (bytes.length > 0) member.append({ kind: "text", bytes });
      else member.append({ kind: "tokens", ids: member.vocabulary.endTokens.slice(0, 1) });
    }
  }
}

// A token's text; at the start of a text the tokenizer's own space is no part of it, and an end token has none.
function textOf({ vocabulary, atFragmentStart }, id) {
  const bytes = vocabulary.bytesOf(id);
  return atFragmentStart && bytes.length > 1 && bytes[0] === 0x20 ? bytes.subarray(1) : bytes;
}

// What a member gives each string, given that it says one of them.
async function sharesOf(member, strings) {
  const ends = await member.lookup(member.vocabulary.endTokens);
  const said = await member.lookup(strings.filter(({ length }) => length > 0));
  const largest = Math.max(...[...ends, ...said].map(({ logit }) => logit));
  const values = said.map(({ logit }) => Math.exp(logit - largest));
  const end = ends.reduce((total, { logit }) => total + Math.exp(logit - largest), 0);
  let next = 0;
  const all = strings.map(({ length }) => (length > 0 ? values[next++] : end));
  const sum = all.reduce((total, value) => total + value, 0);
  return all.map((value) => value / sum);
}

const checked = await checkMethod(loudest);
console.log(`${checked.length} laws hold on scripted members.`);

const ensemble = await createEnsemble({ members: nativeModels().map(({ path }) => path), method: loudest({ k: 20 }) });
const { text } = await ensemble.generate([{ role: "user", content: "What sound does a cow make?" }]);
console.log(text.trim());
await ensemble.dispose();
