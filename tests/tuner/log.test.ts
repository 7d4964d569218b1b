/** The log: every record reads back as it was written; what is no record is named and skipped. */
import { expect, test } from "vitest";
import { type LogRecord, mergeLogs, parseLog, printRecord } from "../../src/tuner/log.ts";
import { compileSmall, runStandIn } from "./support.ts";

const environment = { target: "wasm", engine: "node", version: "20", device: "d", relaxed: true, compiler: "quern test" };
const trial = {
  kind: "trial",
  environment,
  model: "m",
  workload: "w",
  candidate: {
    sketch: "s",
    knobs: [
      { name: "b", value: 2 },
      { name: "a", value: 1 },
    ],
  },
  trial: 0,
  seconds: 1.5,
  features: [1, 2],
} as const;
const records: LogRecord[] = [
  { kind: "run", environment, model: "m", seed: 3, peak: 5e10, workloads: [{ key: "w", layers: ["conv", "image.padded"] }] },
  {
    ...trial,
    origin: "random",
    verdict: { kind: "timed", us: 1.25, low: 1, high: 2, samples: 6, isStopped: true, operations: 100 },
    predicted: 2,
  },
  { ...trial, origin: "mutation", verdict: { kind: "wrong", at: 4, actual: 1, expected: 2, bound: 1e-6 } },
  { ...trial, origin: "final", verdict: { kind: "hung", seconds: 20 } },
  { ...trial, origin: "crossover", verdict: { kind: "failed", message: "trap" } },
  { kind: "network", environment, model: "m", plan: "default", verdict: { kind: "hung", seconds: 20 } },
];

test("records read back as they were written", async () => {
  const { records: made } = await runStandIn(compileSmall(), { budget: { trials: 40 } });
  for (const list of [records, made]) {
    const { value, diagnostics } = parseLog(list.map(printRecord).join(""), "log");
    expect(diagnostics).toEqual([]);
    expect(value).toEqual(list);
  }
});

test("a line that cannot be understood is named and skipped, and a last line that has no end is no loss", () => {
  const lines = records.map(printRecord);
  const bad = [
    "hello\n",
    "[1]\n",
    '{"format":2}\n',
    '{"format":1,"kind":"trial"}\n',
    `${lines[1]?.replace('"timed"', '"guessed"')}`,
    `${lines[1]?.replace('"trial":0', '"trial":"0"')}`,
  ];
  const torn = lines[2]?.slice(0, 60) ?? "";
  const text = [lines[0], ...bad, lines[1], torn].join("");
  const { value, diagnostics } = parseLog(text, "a.jsonl");
  expect(value).toEqual(records.slice(0, 2));
  expect(diagnostics.map(({ message }) => message)).toEqual([
    "a.jsonl:2 is skipped: it is no JSON",
    "a.jsonl:3 is skipped: it is no JSON object",
    "a.jsonl:4 is skipped: its format is 2, and this Quern reads 1",
    "a.jsonl:5 is skipped: it does not say where it was measured",
    "a.jsonl:6 is skipped: it is no whole record of a trial",
    "a.jsonl:7 is skipped: it is no whole record of a trial",
    "a.jsonl:9 is skipped: it was not written to its end",
  ]);
  expect(diagnostics.every(({ severity }) => severity === "warning")).toBe(true);
});

test("wherever a log is cut, the records before are read", () => {
  const text = records.map(printRecord).join("");
  const ends = [...text.matchAll(/\n/g)].map(({ index }) => index);
  for (let length = 0; length <= text.length; length += 7) {
    const { value } = parseLog(text.slice(0, length), "log");
    const whole = ends.filter((end) => end < length).length;
    // A line that lacks only its end is whole.
    expect([whole, whole + 1]).toContain(value.length);
    expect(value).toEqual(records.slice(0, value.length));
  }
});

test("merging keeps each record once, in order", () => {
  const [a, b] = [records.slice(0, 4), records.slice(2)];
  expect(mergeLogs([a, b])).toEqual(records);
  expect(mergeLogs([a, a, b, b])).toEqual(records);
});
