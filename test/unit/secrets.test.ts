import { describe, expect, it } from "vitest";
import { LlamafuseError } from "../../src/errors.js";
import { maskSecrets, maskSecretsIn } from "../../src/secrets.js";

describe("secrets in addresses", () => {
  it.each([
    ["https://ann:pass@host/a.gguf", "https://***@host/a.gguf"],
    ["https://ann:p@ss@host/a.gguf?x=1", "https://***@host/a.gguf?x=1"],
    ["https://hf_token@host/a.gguf", "https://***@host/a.gguf"],
    ["see http://a:b@one/x and http://c:d@two/y.", "see http://***@one/x and http://***@two/y."],
    [
      "https://h/m.gguf?X-Amz-Signature=abc&part=2&access_token=def#t",
      "https://h/m.gguf?X-Amz-Signature=***&part=2&access_token=***#t",
    ],
    ["https://***@host/a.gguf", "https://***@host/a.gguf"],
  ])("%s is shown as %s", (text, shown) => expect(maskSecrets(text)).toBe(shown));

  it.each(["hf:Qwen/Qwen2.5-0.5B:Q8_0", "mail ann@host", "https://host/a@b.gguf", "C:\\models\\a.gguf", "keys=3"])(
    "%s stays as it is",
    (text) => expect(maskSecrets(text)).toBe(text),
  );

  it("are masked in errors, their details and what they wrap", () => {
    const address = "https://ann:secret@host/a.gguf";
    const error = new LlamafuseError("file-unreadable", `Cannot download ${address}: 404.`, {
      found: address,
      list: [{ address }],
    });
    expect(JSON.stringify(error)).not.toContain("secret");
    expect(error.message).toBe("Cannot download https://***@host/a.gguf: 404.");
  });

  it("does not get lost in circles", () => {
    const circle: Record<string, unknown> = { address: "http://a:b@c/" };
    circle.self = circle;
    expect(maskSecretsIn(circle)).toMatchObject({ address: "http://***@c/" });
  });
});
