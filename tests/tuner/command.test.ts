/** quern tune and quern log as commands: killed, interrupted, resumed; and what the other commands make of the outcome. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createRandom } from "../../src/support/random.ts";
import { parseLog } from "../../src/tuner/log.ts";
import { bundledMain, quern } from "../cli/quern.ts";
import { full } from "../support.ts";
import { source } from "./support.ts";

let folder = "";
const at = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "quern-tune-"));
  writeFileSync(at("small.qn"), source);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const standIn = ["tune", "--engine", "stand-in", "--trials", "120", "--seed", "5"];

function start(args: readonly string[], pause: number): ChildProcess {
  return spawn(process.execPath, [bundledMain(), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, QUERN_STAND_IN_PAUSE: String(pause) },
  });
}

function linesOf(file: string): string[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "");
}

/** A process that goes on where another was killed takes a second to begin. */
const kills = full ? 50 : 15;

test(`killed ${kills} times at random moments and resumed, a run ends with the log and the outcome of one left alone`, async () => {
  const alone = quern([...standIn, at("small.qn"), "--log", at("alone.jsonl"), "--out", at("alone.schedule")]);
  expect(alone.code, alone.err).toBe(0);
  const args = [...standIn, at("small.qn"), "--log", at("killed.jsonl"), "--out", at("killed.schedule"), "--resume"];
  const random = createRandom("kills");
  // Until it has begun a process does nothing that a kill could harm: the moment is drawn from when it works.
  const whole = linesOf(at("alone.jsonl")).length;
  let withProgress = 0;
  for (let kill = 0; kill < kills; kill++) {
    const before = existsSync(at("killed.jsonl")) ? linesOf(at("killed.jsonl")).length : 0;
    const child = start(args, 40);
    const ended = once(child, "exit");
    const limit = Date.now() + 20_000;
    const goal = Math.min(before + random.integer(0, 2), Math.ceil((whole * (kill + 1)) / (kills + 2)));
    while (child.exitCode === null && Date.now() < limit) {
      const lines = existsSync(at("killed.jsonl")) ? linesOf(at("killed.jsonl")).length : 0;
      if (lines >= goal) break;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await new Promise((resolve) => setTimeout(resolve, random.integer(0, 30)));
    child.kill("SIGKILL");
    await ended;
    if (linesOf(at("killed.jsonl")).length > before) withProgress++;
  }
  expect(withProgress).toBeGreaterThan(0.4 * kills);
  const last = quern(args);
  expect(last.code, last.err).toBe(0);
  const read = (name: string) => parseLog(readFileSync(at(name), "utf8"), name);
  expect(read("killed.jsonl").value).toEqual(read("alone.jsonl").value);
  expect(readFileSync(at("killed.schedule"), "utf8")).toBe(readFileSync(at("alone.schedule"), "utf8"));
});

test("a record that was torn stays torn, and the run goes on behind it", () => {
  const args = [...standIn, at("small.qn"), "--log", at("torn.jsonl"), "--out", at("torn.schedule")];
  const text = readFileSync(at("alone.jsonl"), "utf8");
  writeFileSync(at("torn.jsonl"), text.slice(0, 9000));
  const { code, err } = quern([...args, "--resume"]);
  expect(code, err).toBe(0);
  expect(err).toMatch(/torn\.jsonl:\d+ is skipped: it was not written to its end/);
  expect(readFileSync(at("torn.jsonl"), "utf8").startsWith(text.slice(0, 9000))).toBe(true);
  expect(parseLog(readFileSync(at("torn.jsonl"), "utf8"), "torn").value).toEqual(parseLog(text, "alone").value);
});

test("Ctrl-C ends the run with the best so far", async () => {
  const args = [
    "tune",
    at("small.qn"),
    "--engine",
    "stand-in",
    "--seconds",
    "600",
    "--log",
    at("cut.jsonl"),
    "--out",
    at("cut.schedule"),
    "--json",
  ];
  const child = start([...args], 20);
  let out = "";
  child.stdout?.on("data", (data: Buffer) => {
    out += data.toString();
  });
  const ended = once(child, "exit");
  while (!existsSync(at("cut.jsonl")) || linesOf(at("cut.jsonl")).length < 60) await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill("SIGINT");
  expect((await ended)[0]).toBe(0);
  const last = JSON.parse(out.trimEnd().split("\n").at(-1) ?? "") as {
    trials: number;
    defaultMs: number;
    tunedMs: number;
    workloads: unknown[];
  };
  expect(last.trials).toBeGreaterThan(40);
  expect(last.tunedMs).toBeLessThan(last.defaultMs);
  expect(last.workloads.length).toBeGreaterThan(3);
  expect(readFileSync(at("cut.schedule"), "utf8")).toMatch(/^tuned small on wasm \{/m);
});

test("measured in Node, the outcome is taken by run, build, verify and inspect, and --schedule default leaves it out", () => {
  const tuned = quern(["tune", at("small.qn"), "--trials", "24", "--json", "--log", at("node.jsonl")]);
  expect(tuned.code, tuned.err).toBe(0);
  const { trials, seconds, defaultMs, tunedMs, workloads } = JSON.parse(tuned.out.trimEnd().split("\n").at(-1) ?? "");
  expect([trials, typeof seconds, typeof defaultMs, typeof tunedMs, Array.isArray(workloads)]).toEqual([
    24,
    "number",
    "number",
    "number",
    true,
  ]);
  // Whatever the clock said: a schedule that is not the default's.
  copyFileSync(at("alone.schedule"), at("small.schedule"));
  const text = readFileSync(at("small.schedule"), "utf8")
    .replace("engine stand-in", "engine node")
    .replace(/^ {2}engine .*$/m, '  engine node "20" simd');
  writeFileSync(at("small.schedule"), text);
  const trace = (...options: string[]) => quern(["inspect", at("small.qn"), "--schedule", ...options, "--layer", "relu"]).out;
  expect(quern(["inspect", at("small.qn"), "--schedule", "--layer", "relu"]).out).toMatch(/nest relu: a tuned schedule/);
  expect(trace()).toMatch(/a tuned schedule/);
  const loop = (...options: string[]) => quern(["inspect", at("small.qn"), "--level", "loop", ...options]);
  expect(loop().out).not.toBe(loop("--schedule", "default").out);
  expect(loop("--schedule", at("small.schedule")).out).toBe(loop().out);
  expect(loop().err).toBe("");
  const verified = quern(["verify", at("small.qn")]);
  expect(verified.code, verified.out + verified.err).toBe(0);
  expect(quern(["run", at("small.qn"), "--random", "1"]).code).toBe(0);
  const built = quern(["build", at("small.qn"), "--engine", "node", "--out", at("dist")]);
  expect(built.code, built.err).toBe(0);
  // A stale entry is said, and is no error.
  writeFileSync(at("small.schedule"), text.replace(/workload "[0-9a-f]{16}"/, 'workload "0000000000000000"'));
  const stale = quern(["run", at("small.qn"), "--random", "1"]);
  expect([stale.code, stale.err]).toEqual([0, expect.stringMatching(/warning\[stale-schedule\]: no layer computes the workload/)]);
  const missing = quern(["run", at("small.qn"), "--random", "1", "--schedule", at("none.schedule")]);
  expect([missing.code, missing.err]).toEqual([1, expect.stringMatching(/there is no such file/)]);
  rmSync(at("small.schedule"));
});

test("--explain prints each space and what cut it, and measures nothing", () => {
  const { code, out } = quern(["tune", at("small.qn"), "--explain"]);
  expect(code).toBe(0);
  expect(out).toMatch(
    /^relu, relu_2 {2}\(workload [0-9a-f]{16}\)\n {2}sketches: contraction, vector_matrix, reduction_of_vectors\n {2}default: contraction columns=8/m,
  );
  expect(out).toMatch(/\d+ schedules by \d+ settings of the knobs/);
  expect(out).toMatch(/cut: \d+ refused with bad-factor/);
  expect(JSON.parse(quern(["tune", at("small.qn"), "--explain", "--json"]).out).workloads.length).toBeGreaterThan(4);
});

test("log show says what logs hold, and log merge puts them together", () => {
  const shown = quern(["log", "show", at("alone.jsonl")]);
  expect([shown.code, shown.out]).toEqual([0, expect.stringMatching(/stand-in 1 +[0-9a-f]{16} +relu +\d+/)]);
  writeFileSync(at("other.jsonl"), `nonsense\n${readFileSync(at("node.jsonl"), "utf8")}`);
  const merged = quern(["log", "merge", at("alone.jsonl"), at("other.jsonl"), at("alone.jsonl"), "--out", at("all.jsonl")]);
  expect([merged.code, merged.err]).toEqual([0, expect.stringMatching(/other\.jsonl:1 is skipped: it is no JSON/)]);
  const count = linesOf(at("alone.jsonl")).length + linesOf(at("node.jsonl")).length;
  expect(linesOf(at("all.jsonl")).length).toBe(count);
  expect(quern(["log", "show", at("absent.jsonl")]).code).toBe(1);
});
