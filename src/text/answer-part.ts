/**
 * Which part of what a model wrote is its answer: not its thoughts, and not the next question that it makes up itself.
 * No order is published; this one is ours.
 */

/** How thinking models mark their thoughts where these are text: `<think>`, `[THINK]`, gpt-oss's channels and the like. */
const THOUGHT_NAMES = "think(?:ing)?|thoughts?|reasoning|reflection|scratchpad|analysis|seed:think";
const THOUGHTS = [
  { open: new RegExp(`<(?:${THOUGHT_NAMES})>`, "gi"), close: new RegExp(`</(?:${THOUGHT_NAMES})>`, "gi") },
  { open: /\[THINK\]/g, close: /\[\/THINK\]/g },
  { open: /◁think▷/g, close: /◁\/think▷/g },
  { open: /<\|channel\|>(?:analysis|commentary)/g, close: /<\|channel\|>final(?:<\|message\|>)?/g },
] as const;

/** Where another turn or another question begins: what follows answers something else. */
const NEXT_QUESTION =
  /<\/s>|<\|(?:im_end|im_start|eot_id|end|end_of_text|endoftext|user|start_header_id)\|>|<(?:end|start)_of_turn>|\[INST\]|(?:^|\n)[ \t]*(?:[#>*_-]+[ \t]*)?(?:(?:next|another|new)[ \t]+)?(?:question|q|problem|exercise|human|user|instruction|query|frage|pregunta|問題|问题|题目)[ \t]*[#.]?[ \t]*(?:\d+|[ivx]+(?![a-z]))?[*_]*[ \t]*(?:[:：)]|\.[ \t])/gi;

/**
 * The text behind the thoughts: behind the last closing mark, whether the text or the template opened it. Undefined
 * where thoughts were opened and never closed: what was thought so far answers nothing.
 */
export function withoutThoughts(text: string): string | undefined {
  let rest = text;
  for (const { open, close } of THOUGHTS) {
    const closed = Array.from(rest.matchAll(close)).at(-1);
    const from = closed === undefined ? 0 : closed.index + closed[0].length;
    const opened = rest.slice(from).search(open);
    if (closed === undefined && opened >= 0) {
      // What stands before open thoughts may answer; nothing else does.
      const before = rest.slice(0, opened);
      if (before.trim() === "") return undefined;
      rest = before;
    } else rest = rest.slice(from);
  }
  return rest;
}

/** A text that begins more questions than this repeats itself: what it said first is read. */
const MOST_PIECES = 16;

/**
 * What `read` finds in the answer: the text is cut where another question begins, and the first piece in which it finds
 * something counts. A piece is read with all before it, so that a question which the model repeats first does no harm.
 */
export function readAnswer<Found>(text: string, read: (piece: string) => Found | undefined): Found | undefined {
  const answer = withoutThoughts(text);
  if (answer === undefined) return undefined;
  for (const { index } of Array.from(answer.matchAll(NEXT_QUESTION)).slice(0, MOST_PIECES)) {
    if (answer.slice(0, index).trim() === "") continue;
    const found = read(answer.slice(0, index));
    if (found !== undefined) return found;
  }
  return read(answer);
}

/** In how many languages a model says "the answer is"; each takes what it says after a verb, a colon or nothing. */
const ANSWER_WORDS = [
  String.raw`\b(?:answers?|solution|result|ans)\b["”']?(?:[ \t]+(?:choice|option|letter|here|then|therefore|thus|now))*(?:[ \t]+(?:to|for|of)[ \t][^.:=\n]{1,80}?)?[ \t]*(?:(?:is|are|was|equals|(?:would|should|must|will|has to)(?:[ \t]+be)?|['’]s)(?![\p{L}])|[:=→]|[–—-](?=[ \t])|⇒|=>)`,
  String.raw`\b(?:Antwort|Lösung|Ergebnis)\b[ \t]*(?:ist|lautet|beträgt|[:=])`,
  String.raw`\b(?:réponse|solution|résultat)\b(?:[ \t]+(?:finale|correcte|exacte))?[ \t]*(?:est|[:=])`,
  String.raw`\b(?:respuesta|solución|resposta|solução|risposta|soluzione)\b(?:[ \t]+(?:final[ea]?|correct[ao]|corrett[ao]|certa|esatta))?[ \t]*(?:es|é|è|[:=])`,
  String.raw`\b(?:antwoord|svar(?:et)?|vastaus|odpowied[zź](?:ią)?|odpověď|cevap)\b[ \t]*(?:is|är|er|on|to|jest|je|[:=])`,
  String.raw`(?:ответ|відповідь)(?![\p{L}])[ \t]*(?:[:=–—-]|это)?`,
  String.raw`(?:答案|正解|解答|答え|答)(?:选项|選項|は|是|为|為|应该是|應該是)?[ \t]*[:：]?`,
  "(?:정답|답)(?:은|는|:)",
].join("|");

/** After the words: "is:", "is that", quotes and the like. */
const LEAD_IN = String.raw`(?:[ \t]*(?::|that|therefore|thus|clearly|definitely|simply|just|then|indeed|probably|most likely)(?![\p{L}]))*`;

export interface Statement {
  /** Where it begins. */
  index: number;
  /** What it says, to the end of its line; of the next line with words where its own has none. */
  said: string;
}

/** Every place at which a text says that something is the answer. */
export function statementsIn(text: string): Statement[] {
  const pattern = new RegExp(`(?:${ANSWER_WORDS})${LEAD_IN}`, "giu");
  return Array.from(text.matchAll(pattern), ({ index, 0: words }) => {
    const rest = text.slice(index + words.length).replace(/^[\s:：*_`]+/, "");
    return { index, said: rest.split("\n", 1)[0]! };
  });
}

/** A word with which a text takes back what it said before. */
export const CORRECTION =
  /\b(?:wait|actually|correction|sorry|oops|hold on|scratch that|i made a mistake|let me (?:correct|redo|recalculate|reconsider|re-?check))\b|(?:^|[.!?]\s+)no[,:]/gi;

/** Where the last correction ends, from a place on; -1 where there is none. */
export function lastCorrection(text: string, from: number): number {
  const last = Array.from(text.matchAll(CORRECTION)).findLast(({ index }) => index >= from);
  return last === undefined ? -1 : last.index + last[0].length;
}

/** Sentences of a text: they end at a full stop with space or end behind it, and with the line. */
export function sentencesOf(text: string): string[] {
  return text.split(/\n+|(?<=[.!?])(?=\s)|(?<=[。！？])/).filter((sentence) => sentence.trim() !== "");
}

/** Markdown's emphasis and code marks removed: `**Answer:** B` says "Answer: B". */
export function withoutMarkup(text: string): string {
  return text.replace(/(?<!\d)\*\*|\*\*(?!\d)|__|`|<\/?(?:b|strong|em|i|answer)>/g, "");
}

/** What stands in the last `\boxed{…}` whose braces balance. */
export function lastBox(text: string): string | undefined {
  const boxes = Array.from(text.matchAll(/\\(?:boxed|fbox)\s*\{/g));
  for (const { index, 0: opening } of boxes.reverse()) {
    const start = index + opening.length;
    let depth = 1;
    for (let end = start; end < text.length; end++) {
      if (text[end] === "{") depth++;
      else if (text[end] === "}" && --depth === 0) return text.slice(start, end);
    }
  }
  return undefined;
}
