/** The sampler's options as flags: `--top-k` for topK. */
import { aboutSamplerOption, SAMPLER_OPTIONS, type SamplerOption } from "../decoding/sampler-options.js";

const SHORT: Partial<Record<SamplerOption, string>> = { temperature: "-t", seed: "-s" };

/** Option → flag. */
export const samplerFlags = Object.fromEntries(
  SAMPLER_OPTIONS.map((option) => [option, `--${kebab(option)}`]),
) as Readonly<Record<SamplerOption, string>>;

/** The flag with its short form, and the help for it. */
export function samplerFlag(option: SamplerOption): [flag: string, about: string] {
  const short = SHORT[option];
  const { description, usual } = aboutSamplerOption(option);
  const sentence = description.replace(/\.$/, "").replace(/^[A-Z](?![A-Z])/, (letter) => letter.toLowerCase());
  const named = SAMPLER_OPTIONS.filter((other) => other !== option).reduce(
    (text, other) => text.replace(new RegExp(`\\b${other}\\b`, "g"), samplerFlags[other]),
    sentence,
  );
  const standard =
    usual === undefined ? "" : ` (default: ${Array.isArray(usual) ? usual.map(spelled).join(" ") : usual})`;
  return [`${short === undefined ? "" : `${short}, `}${samplerFlags[option]}`, `${named}${standard}`];
}

function spelled(text: string): string {
  return text === "\n" ? "newline" : text;
}

function kebab(option: string): string {
  return option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
