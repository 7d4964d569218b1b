/** The page in a browser: what it draws, what it asks for, and how it behaves on a phone and under a keyboard. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pageScript } from "../../scripts/bundle.mjs";
import { renderPage } from "../../src/report/render_page.ts";
import type { Report } from "../../src/report/report.ts";
import { launch, patience } from "../browser.ts";
import { hasBrowser } from "../support.ts";
import { reportOf, tuneSmall, withoutTuning } from "./support.ts";

describe.skipIf(!hasBrowser())("the page", () => {
  let [folder, browser, script]: [string, Browser | undefined, string] = ["", undefined, ""];
  let [tuned, plain]: [Report | undefined, Report | undefined] = [undefined, undefined];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "quern-report-"));
    browser = await launch();
    script = pageScript();
    const small = await tuneSmall();
    [tuned, plain] = [reportOf(small), withoutTuning(small)];
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Opens it from a file; whatever it asks for, and whatever goes wrong, fails the test. */
  async function withReport(report: Report, options: { width: number; colorScheme: "light" | "dark" }, use: (page: Page) => Promise<void>) {
    const path = join(folder, "report.html");
    writeFileSync(path, renderPage(report, script));
    const { width, colorScheme } = options;
    const page = await browser?.newPage({ viewport: { width, height: 800 }, colorScheme });
    if (!page) throw new Error("there is no browser");
    const [asked, wrong]: [string[], string[]] = [[], []];
    page.on("request", (request) => void asked.push(request.url()));
    page.on("pageerror", (error) => void wrong.push(String(error)));
    page.on("console", (message) => void wrong.push(message.text()));
    const url = pathToFileURL(path).href;
    await page.goto(url, { timeout: patience });
    await page.waitForSelector("[data-plot=memory] svg");
    await use(page);
    expect(wrong).toEqual([]);
    expect(asked).toEqual([url]);
    await page.close();
  }

  const count = (page: Page, selector: string) => page.locator(selector).count();

  test.each([1280, 390])("draws every mark once at %i pixels, and nothing wider than the page", async (width) => {
    if (!tuned) throw new Error("no report");
    const report = tuned;
    await withReport(report, { width, colorScheme: width === 390 ? "dark" : "light" }, async (page) => {
      const curves = report.convergence?.curves.filter(({ trials }) => trials.length >= 3) ?? [];
      expect(curves.length).toBeGreaterThan(2);
      expect(await count(page, "[data-plot=convergence] svg")).toBe(curves.length);
      expect(await count(page, "[data-plot=convergence] g[aria-label=line] path")).toBe(curves.length);
      expect(await count(page, "[data-plot=convergence] g[aria-label=dot] circle")).toBe(
        curves.reduce((sum, { trials }) => sum + trials.length, 0),
      );
      const times = report.layers.flatMap(({ before, after }) => [before, after]).filter((time) => time !== undefined);
      expect(await count(page, "[data-plot=layers] g[aria-label=bar] rect")).toBe(times.length);
      const computing = times.filter(({ operations }) => operations > 0);
      expect(computing.length).toBeGreaterThan(8);
      expect(await count(page, "[data-plot=roofline] g[aria-label=dot] circle")).toBe(computing.length);
      expect(await count(page, "[data-plot=roofline] g[aria-label=line] path")).toBe(report.bandwidths.length + 1);
      expect(await count(page, "[data-plot=memory] g[aria-label=rect] rect")).toBe(report.memory.bars.length);
      expect(await count(page, "details.kernel")).toBe(report.kernels.length);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      expect(background).toBe(width === 390 ? "rgb(20, 24, 31)" : "rgb(255, 255, 255)");
    });
  });

  test("what is drawn is in tables too, and a kernel opens by the keyboard", async () => {
    if (!tuned) throw new Error("no report");
    const report = tuned;
    await withReport(report, { width: 1280, colorScheme: "light" }, async (page) => {
      expect(await count(page, "section[aria-labelledby] > h2")).toBe(5);
      expect(await count(page, "#layers tbody tr")).toBe(report.layers.length);
      expect(await count(page, "#memory tbody tr")).toBe(report.memory.bars.length);
      expect(await count(page, "#convergence tbody tr")).toBe(report.convergence?.curves.length);
      expect(await page.locator("svg[aria-label]").count()).toBe(await page.locator("figure svg").count());
      const first = report.kernels.findIndex(({ steps }) => steps.length > 0);
      const kernel = report.kernels[first];
      await page.locator("details.kernel > summary").nth(first).focus();
      await page.keyboard.press("Enter");
      const texts = page.locator("details.kernel").nth(first).locator("pre");
      await texts.first().waitFor();
      expect(await texts.allTextContents()).toEqual([
        kernel?.steps.join("\n"),
        kernel?.nest,
        kernel?.functions.map((name) => report.functions[name]).join("\n\n"),
      ]);
      await page.keyboard.press("Tab");
      expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe(`Schedule of ${kernel?.layer}`);
    });
  });

  test("what a pointer rests on is named, in colours that can be read in both schemes", async () => {
    if (!tuned) throw new Error("no report");
    const report = tuned;
    for (const colorScheme of ["light", "dark"] as const)
      await withReport(report, { width: 1280, colorScheme }, async (page) => {
        await page.locator("[data-plot=layers] g[aria-label=bar] rect").last().hover();
        const box = page.locator("[data-plot=layers] g[aria-label=tip] path");
        await box.first().waitFor();
        expect(await box.count()).toBe(1);
        const texts = await page.locator("[data-plot=layers] g[aria-label=tip]").allTextContents();
        expect(texts.join("")).toContain(report.layers.at(-1)?.name);
        const fill = await box.evaluate((path) => getComputedStyle(path).fill);
        expect(fill).toBe(colorScheme === "dark" ? "rgb(20, 24, 31)" : "rgb(255, 255, 255)");
      });
  });

  test("without a log and an outcome it draws the default, and says what to run", async () => {
    if (!plain) throw new Error("no report");
    const report = plain;
    await withReport(report, { width: 390, colorScheme: "light" }, async (page) => {
      expect(await count(page, "#convergence")).toBe(0);
      expect(await count(page, "[data-plot=layers] g[aria-label=bar] rect")).toBe(report.layers.length);
      expect(await page.locator(".missing code").textContent()).toBe("quern tune small.qn --engine chromium");
    });
  });
});
