/** quern report as a command: what it writes, and what it says to what it cannot use. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Report } from "../../src/report/report.ts";
import { quern } from "../cli/quern.ts";
import { source } from "../tuner/support.ts";

let folder = "";
const at = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "quern-report-"));
  writeFileSync(at("small.qn"), source);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function recordIn(file: string): Report {
  const text = /<script type="application\/json" id="report">(.*?)<\/script>/s.exec(readFileSync(file, "utf8"))?.[1];
  return JSON.parse(text ?? "");
}

test("before tuning it shows the default, and says what to run", () => {
  // What is there already is replaced.
  writeFileSync(at("plain.html"), "an older report");
  const { code, out, err } = quern(["report", at("small.qn"), "--out", at("plain.html"), "--seconds", "1"]);
  expect(code, err).toBe(0);
  expect(out).toMatch(/plain\.html: small in \d+ layers, default \d+\.\d+ ms\n$/);
  expect(err).toMatch(/it does not show tuned schedules.*; for that run quern tune .*small\.qn/);
  const page = readFileSync(at("plain.html"), "utf8");
  // Who gets the page gets the licences of the code in it.
  expect(page).toContain("Observable, Inc.");
  expect(page).toContain("Mike Bostock");
  const report = recordIn(at("plain.html"));
  expect(report.layers.every(({ before }) => before !== undefined && before.us > 0)).toBe(true);
  expect(report.peak).toBeGreaterThan(1e8);
});

test("after tuning it shows both, from the files beside the source", () => {
  expect(quern(["tune", at("small.qn"), "--trials", "40", "--seconds", "30"]).code).toBe(0);
  // A line that is none is named, and is no obstacle.
  writeFileSync(at("small.tuning.jsonl"), `${readFileSync(at("small.tuning.jsonl"), "utf8")}garbage\n`);
  const { code, out, err } = quern(["report", at("small.qn"), "--out", at("tuned.html"), "--seconds", "1"]);
  expect(code, err).toBe(0);
  expect(out).toMatch(/, tuned \d+\.\d+ ms\n$/);
  expect(err).toContain("is skipped: it is no JSON");
  const report = recordIn(at("tuned.html"));
  expect(report.missing).toEqual([]);
  expect(report.convergence?.curves.length).toBeGreaterThan(3);
  const { code: again, err: note } = quern([
    "report",
    at("small.qn"),
    "--out",
    at("default.html"),
    "--seconds",
    "1",
    "--schedule",
    "default",
  ]);
  expect(again, note).toBe(0);
  expect(recordIn(at("default.html")).afterMs).toBeUndefined();
});

test.each([
  [["report"], 2, "missing required argument 'file'"],
  [["report", "none.qn"], 1, "cannot read none.qn: there is no such file"],
  [["report", "small.qn", "--log", "none.jsonl"], 1, "cannot read none.jsonl: there is no such file"],
  [["report", "small.qn", "--schedule", "none.schedule"], 1, "cannot read none.schedule: there is no such file"],
  [["report", "small.qn", "--schedule", "none"], 2, "It should be `default` or a .schedule file."],
  [["report", "small.qn", "--seconds", "0"], 2, "It should be at least 1."],
  [["report", "small.qn", "--engine", "firefox"], 2, "Allowed choices are node, chromium, dawn."],
  [["report", "small.qn", "--weights", "none.safetensors"], 1, "cannot read none.safetensors"],
  [["report", "small.qn", "--seconds", "1", "--out", "small.qn/x.html"], 1, "cannot write small.qn: a file of that name is in the way"],
] as const)("%j ends with %i: %s", (args, code, message) => {
  const result = quern(args, { cwd: folder });
  expect(result.code, result.err).toBe(code);
  expect(result.err).toContain(message);
  expect(existsSync(at("report.html"))).toBe(false);
});
