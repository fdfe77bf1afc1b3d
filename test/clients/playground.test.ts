/** The playground in Chromium, where there is one: CHROMIUM names it, or it is where Debian puts it. */
import { existsSync } from "node:fs";
import axe from "axe-core";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serving } from "../server/support.js";

const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/google-chrome"].find(
  (file) => file !== undefined && existsSync(file),
);
if (executablePath === undefined) console.warn("skipped: the playground's tests need Chromium (CHROMIUM=PATH)");
/** Where pictures of the page are put, if anywhere. */
const pictures = process.env.PICTURES;

describe.skipIf(executablePath === undefined)("the playground", () => {
  let browser: Browser;
  let address: string;
  beforeAll(async () => {
    address = (await serving()).server.address;
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  });
  afterAll(() => browser?.close());

  async function open(options: Parameters<Browser["newPage"]>[0] = {}): Promise<{ page: Page; wrong: string[] }> {
    const page = await browser.newPage(options);
    const wrong: string[] = [];
    page.on("pageerror", (error) => wrong.push(error.message));
    page.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
    page.on(
      "request",
      (request) =>
        request.url().startsWith(address) ||
        request.url().startsWith("data:") ||
        request.url().startsWith("blob:") ||
        wrong.push(request.url()),
    );
    await page.goto(address);
    await page.locator("article").first().waitFor();
    return { page, wrong };
  }

  async function ask(page: Page, text: string): Promise<void> {
    await page.fill("#prompt", text);
    await page.keyboard.press("Control+Enter");
    await page.locator("#status", { hasText: "Done." }).waitFor();
  }

  async function violations(page: Page): Promise<string[]> {
    // By the browser's own door, past the page's policy.
    await page.evaluate(axe.source);
    const { violations: found } = await page.evaluate(() => (globalThis as never as { axe: typeof axe }).axe.run());
    return found.map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
  }

  it("shows who won each token, and what every member said of it", async () => {
    const { page, wrong } = await open();
    await ask(page, "What is a young deer?");
    const tokens = page.locator(".token");
    expect((await tokens.allTextContents()).join("")).toMatch(/fawn/);
    await tokens.nth(2).hover();
    expect(await page.locator("#step table").count()).toBe(4);
    expect(await page.locator("#step caption").allTextContents()).toEqual(["fused", "robin", "wren", "finch"]);
    expect(await page.locator("#step tr.chosen").count()).toBeGreaterThan(0);
    expect(await page.locator(".figures").textContent()).toMatch(
      /\d+ steps · [\d.]+ steps\/s · \d+ tokens of all members/,
    );
    await tokens.first().focus();
    await page.keyboard.press("ArrowRight");
    expect(await page.locator(".token.chosen").textContent()).toBe(await tokens.nth(1).textContent());
    expect(await violations(page)).toEqual([]);
    if (pictures) await page.screenshot({ path: `${pictures}/playground.png`, fullPage: true });
    expect(wrong).toEqual([]);
    await page.close();
  });

  it("has two methods answer side by side, with other weights, and saves both", async () => {
    const { page, wrong } = await open({ acceptDownloads: true });
    await page.check("#compare");
    await page.locator("article select").nth(1).selectOption("gac");
    await page.fill('#weights input[name="robin"]', "3");
    await ask(page, "What sound does a cow make?");
    for (const answer of await page.locator("article").all())
      expect(await answer.locator(".token").count()).toBeGreaterThan(1);
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#save")]);
    const saved = JSON.parse(await streamText(await download.createReadStream()));
    expect(saved.columns.map(({ method }: { method: string }) => method)).toEqual(["unite", "gac"]);
    expect(saved.columns[0].answers[0].request.llamafuse.weights).toEqual({ robin: 3, wren: 1, finch: 1 });
    expect(saved.columns[1].answers[0].told.method).toBe("gac");
    if (pictures) await page.screenshot({ path: `${pictures}/side-by-side.png`, fullPage: true });
    expect(wrong).toEqual([]);
    await page.close();
  });

  it("fits a phone, in the dark, and continues texts", async () => {
    const { page, wrong } = await open({ viewport: { width: 360, height: 740 }, colorScheme: "dark" });
    await page.selectOption("#mode", "text");
    await page.fill("#max-tokens", "12");
    await ask(page, "Question: What sound does a cow make?\nAnswer:");
    expect(await page.locator(".token").count()).toBeGreaterThan(1);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await page.locator(".token").first().click();
    expect(await violations(page)).toEqual([]);
    if (pictures) await page.screenshot({ path: `${pictures}/phone-dark.png`, fullPage: true });
    expect(wrong).toEqual([]);
    await page.close();
  });

  it("stops by Escape, and says what is wrong", async () => {
    const { page } = await open();
    // An answer that never comes, so that it has not ended when the key is pressed.
    await page.route("**/v1/chat/completions", () => {});
    await page.fill("#prompt", "Hello");
    await page.click("#send");
    await page.locator("#status", { hasText: "Answering" }).waitFor();
    await page.keyboard.press("Escape");
    await page.locator("#status", { hasText: "Stopped." }).waitFor();
    await page.unroute("**/v1/chat/completions");
    await page.fill("#prompt", "x ".repeat(5000));
    await page.click("#send");
    await page.locator("#status.bad", { hasText: "tokens for member" }).waitFor();
    await page.close();
  });

  it("describes the API on a page of its own", async () => {
    const page = await browser.newPage();
    await page.goto(`${address}/docs`);
    await page.locator("h2", { hasText: "POST /v1/chat/completions" }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.close();
  });
});

async function streamText(stream: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += chunk;
  return text;
}
