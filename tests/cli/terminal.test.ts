/** What a person sees: colour only where asked for, JSON that every reader takes, pipes that close early. */
import { spawnSync } from "node:child_process";
import { afterEach, describe, expect, test } from "vitest";
import { describeReport, problemOf } from "../../src/cli/commands/verify.ts";
import { diagnosticJson, printJson, processTerminal, report, type Terminal } from "../../src/cli/terminal.ts";
import { errorDiagnostic } from "../../src/support/diagnostic.ts";
import { root } from "../support.ts";
import { bundledMain } from "./quern.ts";

function recorder(colorErr: boolean): { terminal: Terminal; out: string[]; err: string[] } {
  const out: string[] = [];
  const err: string[] = [];
  return {
    terminal: {
      out: (text) => void out.push(text),
      err: (text) => void err.push(text),
      colorErr,
      errRaw: () => {},
      isLive: false,
      columns: 80,
    },
    out,
    err,
  };
}

const source = "model m {\n  rellu(x)\n}\n";
const diagnostic = errorDiagnostic("unknown-name", "there is no `rellu`", {
  span: { file: "m.qn", start: 12, end: 17 },
  notes: [{ message: "here", span: { file: "m.qn", start: 0, end: 5 } }],
  help: "did you mean `relu`?",
});
const texts = new Map([["m.qn", source]]);

describe("diagnostics", () => {
  test("coloured, they are the same text with styles", () => {
    const plain = recorder(false);
    const coloured = recorder(true);
    report(plain.terminal, [diagnostic], texts);
    report(coloured.terminal, [diagnostic], texts);
    expect(plain.err[0]).toContain("2 |   rellu(x)\n  |   ^^^^^");
    expect(plain.err[0]).not.toContain("\u001b");
    expect(coloured.err[0]).toContain("\u001b[31;1merror[unknown-name]\u001b[0m: \u001b[1mthere is no `rellu`\u001b[0m");
    expect(coloured.err[0]).toContain("\u001b[31;1m^^^^^\u001b[0m");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a style is
    expect(coloured.err[0]?.replace(/\u001b\[[\d;]*m/g, "")).toBe(plain.err[0]);
  });

  test("control characters of a file are shown, and do nothing", () => {
    const { terminal, err } = recorder(true);
    const text = "model \u001b[2J m\u0000\u009b\r\n";
    const span = { file: "m.qn", start: 6, end: 7 };
    report(terminal, [errorDiagnostic("bad-character", "`\u001b` has no meaning\u007f", { span })], new Map([["m.qn", text]]));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a style is
    expect(err[0]?.replace(/\u001b\[[\d;]*m/g, "")).toBe(
      "error[bad-character]: `\u241b` has no meaning\u2421\n --> m.qn:1:7\n  |\n1 | model \u241b[2J m\u2400\ufffd\n  |       ^",
    );
  });

  test("a caret stands below a tab as wide as its own", () => {
    const { terminal, err } = recorder(false);
    report(terminal, [errorDiagnostic("x", "y", { span: { file: "m.qn", start: 2, end: 4 } })], new Map([["m.qn", "\ta bb\n"]]));
    expect(err[0]).toContain("1 | \ta bb\n  | \t ^^");
  });

  test("as JSON, with lines and columns", () => {
    expect(diagnosticJson(diagnostic, texts)).toEqual({
      severity: "error",
      code: "unknown-name",
      message: "there is no `rellu`",
      file: "m.qn",
      line: 2,
      column: 3,
      endLine: 2,
      endColumn: 8,
      notes: [{ message: "here", file: "m.qn", line: 1, column: 1, endLine: 1, endColumn: 6 }],
      help: "did you mean `relu`?",
    });
  });

  test("numbers that JSON lacks are texts", () => {
    const { terminal, out } = recorder(false);
    printJson(terminal, { values: [1, Number.NaN, -Infinity] });
    expect(JSON.parse(out.join(""))).toEqual({ values: [1, "NaN", "-Infinity"] });
  });
});

describe("a report of verify", () => {
  const layers = [
    { name: "stem", error: 1e-7, ratio: 0.25, ok: true },
    { name: "block", error: 0.5, ratio: 1234.5, ok: false },
    { name: "head", error: Infinity, ratio: Infinity, ok: false },
  ];
  test("names the first layer beyond its bound", () => {
    const result = { layers, outputs: [{ name: "p", error: 0.1, ok: false }], ok: false };
    expect(problemOf(result)?.message).toBe(
      "the layer `block` is the first beyond its bound: it is off by 5.0e-1, 1.2e+3 times what is allowed",
    );
    expect(describeReport(result)).toEqual([
      "layer  max error  of bound",
      "stem      1.0e-7     0.250",
      "block     5.0e-1    1.2e+3  beyond its bound",
      "head    Infinity  Infinity  beyond its bound",
      "",
      "p: 1.0e-1 of its largest value, end to end: too much",
      "not within bounds",
    ]);
  });
  test("names the output where every layer is right", () => {
    const result = { layers: layers.slice(0, 1), outputs: [{ name: "p", error: 0.1, ok: false }], ok: false };
    expect(problemOf(result)?.message).toBe("every layer is within its bound, but the output `p` is off by 1.0e-1 of its largest value");
    expect(problemOf({ layers: [], outputs: [], ok: true })).toBeUndefined();
  });
});

describe("the process", () => {
  const { isTTY } = process.stderr;
  const { NO_COLOR, TERM } = process.env;
  afterEach(() => {
    Object.assign(process.stderr, { isTTY });
    for (const [name, value] of Object.entries({ NO_COLOR, TERM })) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });

  test.each([
    [true, undefined, "xterm", true],
    [true, "", "xterm", true],
    [true, "1", "xterm", false],
    [true, undefined, "dumb", false],
    [false, undefined, "xterm", false],
  ])("terminal %s, NO_COLOR %s, TERM %s: colour %s", (terminal, noColor, term, wanted) => {
    Object.assign(process.stderr, { isTTY: terminal });
    if (noColor === undefined) delete process.env.NO_COLOR;
    else process.env.NO_COLOR = noColor;
    process.env.TERM = term;
    expect(processTerminal().colorErr).toBe(wanted);
  });

  test("a reader that leaves early is no error", () => {
    const command = `"${process.execPath}" "${bundledMain()}" inspect examples/resnet8/resnet8.qn --level kernel | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync("bash", ["-c", command], { cwd: root, encoding: "utf8" });
    expect([stdout.trimEnd().split("\n").at(-1), stderr]).toEqual(["0", ""]);
  });
});
