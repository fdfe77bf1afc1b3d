import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { porterStem } from "../../../src/text/porter-stemmer.js";

const stems = (pairs: string) => pairs.split(" ").map((pair) => pair.split(":") as [string, string]);

it.each(
  stems(
    "caresses:caress ponies:poni caress:caress cats:cat feed:feed agreed:agre plastered:plaster bled:bled motoring:motor sing:sing conflated:conflat troubled:troubl sized:size hopping:hop tanned:tan falling:fall hissing:hiss fizzed:fizz failing:fail filing:file happy:happi relational:relat conditional:condit rational:ration digitizer:digit radically:radic differently:differ vileness:vile analogously:analog operator:oper feudalism:feudal decisiveness:decis hopefulness:hope callousness:callous formality:formal sensitivity:sensit triplicate:triplic formative:form formalize:formal electricity:electr electrical:electr hopeful:hope goodness:good revival:reviv allowance:allow inference:infer airliner:airlin adjustable:adjust defensible:defens irritant:irrit replacement:replac adjustment:adjust dependent:depend adoption:adopt communism:commun activate:activ effective:effect probate:probat rate:rate cease:ceas controlling:control roll:roll",
  ),
)("stems %s to %s, by Porter's rules", (word, stem) => {
  expect(porterStem(word)).toBe(stem);
});

it.each(
  stems(
    "dies:die died:die flies:fli spy:spi enjoy:enjoy use:use are:are nationally:nation carefully:care geology:geolog dying:die skies:sky news:news innings:inning succeed:succeed",
  ),
)("stems %s to %s, by NLTK's extensions", (word, stem) => {
  expect(porterStem(word)).toBe(stem);
});

it("stems as NLTK does: words of which each suffix has several, with stems of every kind", () => {
  const { stems } = JSON.parse(readFileSync(new URL("nltk-stems.json", import.meta.url), "utf8"));
  expect(Object.keys(stems).length).toBeGreaterThan(300);
  expect(Object.fromEntries(Object.keys(stems).map((word) => [word, porterStem(word)]))).toEqual(stems);
});

it("leaves short words, and survives words that are all suffix", () => {
  expect(["as", "y", "", "ed", "ing", "oed", "1990s"].map((word) => porterStem(word))).toEqual([
    "as",
    "y",
    "",
    "ed",
    "ing",
    "o",
    "1990",
  ]);
});
