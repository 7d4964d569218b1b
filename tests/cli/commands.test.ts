/** Every command as a person starts it: exit codes, stdout for results, stderr for messages. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { formatNpy, parseNpy } from "../../src/cli/io/npy.ts";
import { formatSafetensors } from "../../src/cli/io/safetensors.ts";
import { quern } from "./quern.ts";

const folder = mkdtempSync(join(tmpdir(), "quern-commands-"));
afterAll(() => rmSync(folder, { recursive: true }));
const save = (name: string, contents: string | Uint8Array) => {
  writeFileSync(join(folder, name), contents);
  return name;
};
const run = (...args: readonly string[]) => quern(args, { cwd: folder });
const note = "note: no --weights: values are drawn as the model's initialisers say, with seed 0\n";

/** Two floats in; their products with a weight, and a maximum. */
save(
  "scale.qn",
  `model scale(x: f32[1, 3]) -> (y: f32[1, 3], z: f32[1, 3]) {
  let y = x * @w: [3] = ones
  (y, relu(y))
}
`,
);
save("one.qn", "model one(x: f32[1, 3]) -> y: f32[1, 3] {\n  x * @w: [3] = ones\n}\n");
save("add.qn", "model add(a: f32[1, 2], b: f32[1, 2]) -> sum: f32[1, 2] {\n  a + b\n}\n");
save("wrong.qn", "model wrong(x: f32[1, 3]) -> y: f32[1, 3] {\n  rellu(x) + nothing\n}\n");
const npy = (name: string, shape: readonly number[], values: readonly number[]) => save(name, formatNpy({ dtype: "f32", shape }, values));
const read = (name: string) => parseNpy(readFileSync(join(folder, name)), name).value;
const tensors = (name: string, map: { [name: string]: readonly number[] }) =>
  save(
    name,
    formatSafetensors(
      new Map(Object.entries(map).map(([key, values]) => [key, { type: { dtype: "f32" as const, shape: [values.length] }, values }])),
    ),
  );

describe("usage", () => {
  test("help of every command, with examples, on stdout", () => {
    const { code, out, err } = run("--help");
    expect([code, err]).toEqual([0, ""]);
    for (const name of ["check", "fmt", "inspect", "lower", "run", "build", "export", "verify", "profile"]) {
      expect(out).toContain(`  ${name} [options]`);
      const help = run(name, "--help");
      expect([help.code, help.err]).toEqual([0, ""]);
      expect(help.out).toContain(`Usage: quern ${name}`);
      expect(help.out).toContain(`Examples:\n  $ quern `);
    }
    expect(run("--version")).toEqual({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), err: "" });
  });

  test.each([
    [[], /Usage: quern/],
    [["grind"], /^error: unknown command 'grind'/],
    [["chek"], /Did you mean check\?/],
    [["run"], /^error: missing required argument 'file'/],
    [["run", "one.qn", "--random", "x"], /It should be a whole number from 0\./],
    [["run", "one.qn", "--top", "0"], /It should be at least 1\./],
    [["run", "one.qn", "--mean", "1,,2"], /It should be numbers with commas between them\./],
    [["run", "one.qn", "--target", "cuda"], /Allowed choices are wasm, webgpu, reference\./],
    [["run", "one.qn", "--nonsense"], /unknown option '--nonsense'/],
    [["run", "one.qn", "two.qn"], /too many arguments/],
    [["build", "one.qn"], /required option '--out <folder>' not specified/],
    [["inspect", "one.qn", "--level", "nm"], /Allowed choices are nn, tensor, loop, kernel, shader, wgsl\./],
    [
      ["inspect", "one.qn", "--after", "fuse-epilogue"],
      /did you mean fuse-epilogues\?\nThe passes are, in order:\n {2}elaborate\n {2}expand\n/,
    ],
    [["inspect", "one.qn", "--after", "expand", "--level", "nn"], /cannot be used with/],
    [["inspect", "one.qn", "--level", "nn", "--wat"], /--wat is of the kernel level/],
    [["inspect", "one.qn", "--schedule", "--level", "nn"], /show the steps of schedules, and no level/],
    [["profile", "one.qn", "--seconds", "0"], /It should be at least 1\./],
    [["lower", "x.loop"], /required option '--from <level or pass>' not specified/],
    [["lower", "x.loop", "--from", "loop", "--to", "nn"], /the nn level comes before the text's, which is loop/],
    [["lower", "x.loop", "--from", "lop"], /There is no such pass/],
  ] as const)("%j is a usage error", (args, message) => {
    const { code, out, err } = run(...args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(message);
    expect(err).not.toContain("    at ");
  });
});

describe("check", () => {
  test("files without mistakes", () => {
    expect(run("check", "one.qn", "scale.qn")).toEqual({ code: 0, out: "2 files, 0 errors, 0 warnings\n", err: "" });
  });

  test("all mistakes at once, with place, line and caret", () => {
    const { code, out, err } = run("check", "wrong.qn", "one.qn");
    expect(code).toBe(1);
    expect(out).toMatch(/^2 files, [2-9] errors, 0 warnings\n$/);
    expect(err).toContain("--> wrong.qn:2:3\n  |\n2 |   rellu(x) + nothing\n  |   ^^^^^");
    expect(err).toContain("`relu`");
    expect(err).toContain("--> wrong.qn:2:14");
    expect(err).not.toContain("\u001b[");
  });

  test("as JSON", () => {
    const { code, out, err } = run("check", "wrong.qn", "--json");
    const { ok, diagnostics } = JSON.parse(out);
    expect([code, err, ok]).toEqual([1, "", false]);
    expect(diagnostics[0]).toMatchObject({ severity: "error", file: "wrong.qn", line: 2, column: 3, notes: [] });
    expect(JSON.parse(run("check", "one.qn", "--json").out)).toEqual({ ok: true, diagnostics: [] });
  });

  test("standard input, and a file that is not there", () => {
    expect(quern(["check", "-"], { input: readFileSync(join(folder, "one.qn"), "utf8") }).code).toBe(0);
    expect(quern(["check", "-"], { input: "model" }).err).toContain("--> stdin.qn:1:");
    expect(run("check", "onee.qn")).toEqual({
      code: 1,
      out: "1 file, 1 error, 0 warnings\n",
      err: "error[file]: cannot read onee.qn: there is no such file\n  help: did you mean one.qn?\n",
    });
    const { code, out, err } = run("check", "onee.qn", "wrong.qn");
    expect([code, out]).toEqual([1, expect.stringMatching(/^2 files, [3-9] errors, 0 warnings\n$/)]);
    expect(err).toContain("cannot read onee.qn");
    expect(err).toContain("--> wrong.qn:2:3");
  });
});

describe("run", () => {
  test("prints results on stdout, and says on stderr where weights come from", () => {
    npy("x.npy", [1, 3], [1, -2, 0.1]);
    expect(run("run", "one.qn", "--input", "x.npy")).toEqual({
      code: 0,
      out: "y: f32[1, 3]\n          1          -2         0.1\n",
      err: note,
    });
    expect(run("run", "scale.qn", "--input", "x=x.npy").out).toBe(
      "y: f32[1, 3]\n          1          -2         0.1\nz: f32[1, 3]\n          1           0         0.1\n",
    );
  });

  test("weights from a file; the reference agrees", () => {
    tensors("w.safetensors", { w: [2, 3, 4] });
    const args = ["one.qn", "--weights", "w.safetensors", "--input", "x.npy", "--json"];
    const wanted = { ok: true, outputs: [{ name: "y", dtype: "f32", shape: [1, 3], values: [2, -6, Math.fround(0.4)] }] };
    const wasm = run("run", ...args);
    expect([wasm.code, wasm.err]).toEqual([0, ""]);
    expect(JSON.parse(wasm.out)).toEqual(wanted);
    const reference = JSON.parse(run("run", ...args, "--target", "reference").out);
    for (const [i, value] of reference.outputs[0].values.entries()) expect(value).toBeCloseTo(wanted.outputs[0]?.values[i] as number, 6);
  });

  test("an array of records is run record by record; outputs go to files", () => {
    npy("many.npy", [3, 3], [1, 2, 3, 4, 5, 6, -7, -8, -9]);
    expect(run("run", "one.qn", "--input", "many.npy", "--output", "y.npy")).toEqual({ code: 0, out: "y.npy: f32[3, 3]\n", err: note });
    expect(read("y.npy")).toEqual({ dtype: "f32", shape: [3, 3], values: Float64Array.of(1, 2, 3, 4, 5, 6, -7, -8, -9) });
    expect(run("run", "scale.qn", "--input", "many.npy", "--output", "out").out).toBe("out/y.npy: f32[3, 3]\nout/z.npy: f32[3, 3]\n");
    expect(read("out/z.npy")?.values).toEqual(Float64Array.of(1, 2, 3, 4, 5, 6, 0, 0, 0));
    expect(readdirSync(join(folder, "out")).sort()).toEqual(["y.npy", "z.npy"]);
    expect(run("run", "scale.qn", "--input", "x.npy", "--output", "y.npy").err).toContain(
      "error[which-output]: the model has the outputs y, z, and y.npy is one file",
    );
  });

  test("ranks classes, with their labels", () => {
    save("labels.txt", "cat\ndog\nship\n");
    expect(run("run", "one.qn", "--input", "x.npy", "--top", "2", "--labels", "labels.txt").out).toBe(
      "y\nrank   value  index  label\n   1   1.000      0  cat\n   2  0.1000      2  ship\n",
    );
    expect(run("run", "one.qn", "--input", "many.npy", "--top", "1").out).toContain(
      "y, record 2\nrank   value  index\n   1  -7.000      0\n",
    );
    save("short.txt", "cat\r\ndog\r\n");
    const short = run("run", "one.qn", "--input", "x.npy", "--labels", "short.txt");
    expect([short.code, short.err]).toEqual([1, `${note}error[labels]: the labels file has 2 lines, and the output \`y\` has 3 classes\n`]);
  });

  test("draws inputs: the same seed the same values", () => {
    expect(run("run", "add.qn", "--random", "7").out).toBe(run("run", "add.qn", "--random", "7").out);
    expect(run("run", "add.qn", "--random", "7").out).not.toBe(run("run", "add.qn", "--random", "8").out);
  });

  test.each([
    [
      ["add.qn"],
      "error[missing-input]: no file for the inputs `a: f32[1, 2]`, `b: f32[1, 2]`\n  help: write --input a=x.npy --input b=x.npy, or draw random values with --random 1\n",
    ],
    [["one.qn", "--input", "z=x.npy"], "error[unknown-input]: the model has no input `z`\n"],
    [["add.qn", "--input", "x.npy", "--random", "1"], "error[which-input]: the model has 2 inputs, and `--input x.npy` names none\n"],
    [
      ["add.qn", "--input", "a=x.npy", "--random", "1"],
      "error[input-shape]: x.npy: the input `a` is f32[1, 2] and the file holds f32[1, 3]\n",
    ],
    [["one.qn", "--input", "absent.npy"], "error[file]: cannot read absent.npy: there is no such file\n"],
    [["one.qn", "--input", "one.qn"], "error[input-file]: one.qn: an input is a .npy, .png or .jpg file\n"],
    [["one.qn", "--weights", "x.npy", "--random", "1"], "error[safetensors]: x.npy: a header of "],
    [
      ["one.qn", "--weights", "other.safetensors", "--random", "1"],
      "error[missing-tensor]: other.safetensors: there is no tensor `w`; the model needs it as f32[3]\n",
    ],
    [["one.qn", "--model", "two", "--random", "1"], "error[which-model]: there is no model `two`\n"],
    [["one.qn", "--schedule", "nowhere.qn", "--random", "1"], "error[file]: cannot read nowhere.qn: there is no such file\n"],
  ] as const)("%j is the user's mistake", (args, message) => {
    npy("x.npy", [1, 3], [1, -2, 0.1]);
    tensors("other.safetensors", { v: [1] });
    const { code, out, err } = run("run", ...args);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain(message);
    expect(err).not.toMatch(/ {4}at |internal error/);
  });

  test("mistakes as JSON", () => {
    const { code, out } = run("run", "add.qn", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ ok: false, diagnostics: [{ severity: "error", code: "missing-input" }] });
  });
});

describe("verify", () => {
  test("a table of layers and exit code 0", () => {
    const { code, out, err } = run("verify", "scale.qn");
    expect([code, err]).toEqual([0, note]);
    expect(out).toMatch(/^layer +max error +of bound\n/);
    expect(out).toMatch(/\ny: \S+ of its largest value, end to end\n/);
    expect(out.endsWith("all within bounds\n")).toBe(true);
  });

  test("as JSON", () => {
    const report = JSON.parse(run("verify", "scale.qn", "--json", "--seed", "3").out);
    expect(report).toMatchObject({ ok: true, seed: 3, diagnostics: [] });
    expect(report.layers.length).toBeGreaterThan(0);
    expect(report.outputs.map((output: { name: string }) => output.name)).toEqual(["y", "z"]);
  });
});

describe("inspect --schedule", () => {
  const steps = "split f by 8\n  reorder m, f.o, c, f.i\n  vectorize f.i\n  stage w packed by f.o, c, f.i\n  stage y in registers at f.o";
  save(
    "dense.qn",
    `model m(x: f32[4, 6]) -> y: f32[4, 16] { matmul(x, @w: [6, 16] = he_normal) }\nschedule s on wasm for y {\n  ${steps}\n}\n`,
  );
  save("plain.qn", "model m(x: f32[4, 6]) -> y: f32[4, 16] { matmul(x, @w: [6, 16] = he_normal) }\n");
  save("steps.qn", `schedule s on wasm for y {\n  ${steps}\n}\n`);

  test("prints the nest as lowered and after each step", () => {
    const { code, out } = run("inspect", "dense.qn", "--schedule");
    expect(code).toBe(0);
    expect(out).toMatch(/^nest y: a schedule of the program\n\n {2}as lowered\n {4}for m in 4 \{\n {6}for f in 16 \{/);
    expect([...out.matchAll(/^ {2}after (.*)$/gm)].map(([, step]) => step)).toEqual(steps.split("\n").map((step) => step.trim()));
    // The last nest shown is the one that is compiled.
    const compiled = /nest y run -> y \{\n(?: {2}trace .*\n)+([\s\S]*?)\n\}/.exec(run("inspect", "dense.qn", "--level", "loop").out)?.[1];
    const shown = out.slice(out.lastIndexOf("  after ")).split("\n").slice(1).join("\n").trimEnd();
    expect(shown.replace(/^ {2}/gm, "")).toBe(compiled);
  });

  test("takes a file of schedules, and one layer", () => {
    const asked = run("inspect", "plain.qn", "--schedule", "steps.qn", "--layer", "y");
    expect(asked.out).toBe(run("inspect", "dense.qn", "--schedule").out);
    expect(run("inspect", "plain.qn", "--schedule").out).toMatch(/^nest y: sketch contraction\n/);
    expect(run("inspect", "plain.qn", "--schedule", "none", "--layer", "y").out).toMatch(/^nest y: no sketch fits\n/);
    const { code, err } = run("inspect", "plain.qn", "--layer", "yy");
    expect([code, err]).toEqual([2, expect.stringContaining("there is no layer yy: did you mean y?")]);
  });

  test("as JSON", () => {
    const { nests } = JSON.parse(run("inspect", "plain.qn", "--schedule", "--json").out);
    expect(nests[0]).toMatchObject({ name: "y", from: "sketch contraction" });
    expect(nests[0].steps[0].step).toBe("");
  });
});

describe("profile", () => {
  test("times every layer beside the peak", () => {
    const { layers, ...total } = JSON.parse(run("profile", "plain.qn", "--seconds", "1", "--variant", "simd", "--json").out);
    expect(layers).toHaveLength(1);
    // 4 x 16 sums of 6 products.
    expect(layers[0]).toMatchObject({ name: "y", shape: [4, 16], operations: 2 * 4 * 16 * 6 });
    expect(layers[0].trace[0]).toBe("sketch contraction");
    expect(total.operations).toBe(layers[0].operations);
    expect(layers[0].us).toBeGreaterThan(0);
    expect(total.ofPeak).toBeGreaterThan(0);
    expect(total.ofPeak).toBeLessThan(1);
    const { out } = run("profile", "plain.qn", "--seconds", "1", "--variant", "simd", "--trace");
    expect(out).toMatch(/^layer +writes +us +share +MFLOP +GFLOP\/s +of peak +schedule\ny +4x16 /);
    expect(out).toMatch(/ms in 1 calls \(simd, medians of \d+ runs\)/);
  });
});

describe("--algorithm", () => {
  save("conv.qn", "model m(x: f32[1, 24, 24, 16]) -> y: f32[1, 24, 24, 16] { conv2d(x, @k: [3, 3, 16, 16] = he_normal, pad: same) }\n");
  const inspect = (...args: string[]) => run("inspect", "conv.qn", "--level", "nn", ...args);

  test("forces a rule that has `when`, or none", () => {
    const called = ({ out }: { readonly out: string }) => [...out.matchAll(/ = (\w+)\(%/g)].map(([, name]) => name);
    expect(called(inspect("--algorithm", "direct"))).toEqual(["conv2d"]);
    const winograd = ["winograd_input", "winograd_weights", "winograd_product", "winograd_output"];
    expect(called(inspect("--algorithm", "winograd_2x2"))).toEqual(winograd);
    expect(called(inspect())).toEqual(winograd);
  });

  test("that is not known names those that are", () => {
    const { code, err } = inspect("--algorithm", "winograd_8x8");
    expect(code).toBe(1);
    expect(err).toContain("error[unknown-algorithm]: there is no algorithm `winograd_8x8`");
    expect(err).toContain("help: choose one of direct, winograd_4x4, winograd_2x2");
  });
});

describe("build", () => {
  test("writes five files and nothing else, again and again to the same bytes", () => {
    const { code, out } = run("build", "one.qn", "--out", "dist/deep");
    expect(code).toBe(0);
    const names = ["model.d.ts", "model.js", "model.relaxed.wasm", "model.simd.wasm", "model.weights.bin"];
    expect(
      out
        .trim()
        .split("\n")
        .map((line) => line.split(" ")[0])
        .sort(),
    ).toEqual(names.map((name) => `dist/deep/${name}`));
    expect(readdirSync(join(folder, "dist/deep")).sort()).toEqual(names);
    const before = names.map((name) => readFileSync(join(folder, "dist/deep", name)));
    const again = JSON.parse(run("build", "one.qn", "--out", "dist/deep", "--json").out);
    expect(names.map((name) => readFileSync(join(folder, "dist/deep", name)))).toEqual(before);
    expect(again).toMatchObject({ ok: true, inputs: [{ name: "x", dtype: "f32", shape: [1, 3] }], outputs: [{ name: "y" }] });
    expect(again.files.map((file: { path: string }) => file.path).sort()).toEqual(names.map((name) => `dist/deep/${name}`));
  });

  test("where it cannot write", () => {
    const { code, out, err } = run("build", "one.qn", "--out", "one.qn");
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(/error\[file\]: cannot write one\.qn\S*: a file of that name is in the way\n$/);
  });

  test("a program with mistakes writes nothing", () => {
    expect(run("build", "wrong.qn", "--out", "never").code).toBe(1);
    expect(readdirSync(folder)).not.toContain("never");
  });
});

describe("fmt", () => {
  const untidy = "model  one( x:f32[1,3] )->y : f32[1, 3]{ x*@w:[3]=ones }\n";

  test("lays out in place what is not, and says which; a second time there is nothing to do", () => {
    save("untidy.qn", untidy);
    expect(run("fmt", "untidy.qn", "--check")).toEqual({ code: 1, out: "untidy.qn\n", err: "1 of 1 would change: run quern fmt\n" });
    expect(readFileSync(join(folder, "untidy.qn"), "utf8")).toBe(untidy);
    expect(run("fmt", "untidy.qn")).toEqual({ code: 0, out: "untidy.qn\n", err: "" });
    expect(readFileSync(join(folder, "untidy.qn"), "utf8")).not.toBe(untidy);
    expect(run("fmt", "untidy.qn")).toEqual({ code: 0, out: "", err: "" });
    expect(run("fmt", "untidy.qn", "--check")).toEqual({ code: 0, out: "", err: "" });
  });

  test("standard input goes to standard output", () => {
    const { code, out } = quern(["fmt", "-"], { input: untidy });
    expect(code).toBe(0);
    expect(out).toBe(readFileSync(join(folder, "untidy.qn"), "utf8"));
  });

  test("a file that does not parse stays as it is, and the others are laid out", () => {
    save("torn.qn", "model one(\n");
    save("untidy.qn", untidy);
    const { code, out, err } = run("fmt", "torn.qn", "untidy.qn");
    expect([code, out]).toEqual([1, "untidy.qn\n"]);
    expect(err).toMatch(/^error\[syntax\]: .*\n *--> torn\.qn:/);
    expect(readFileSync(join(folder, "torn.qn"), "utf8")).toBe("model one(\n");
  });
});

describe("the terminal", () => {
  test("an internal error is no stack trace, unless asked for", () => {
    // No input is known to bring one about, so one is made.
    const script = `JSON.stringify = () => { throw new Error("internal error: broken on purpose"); };`;
    save("broken.mjs", script);
    const env = { NODE_OPTIONS: `--import ${join(folder, "broken.mjs")}` };
    const quiet = quern(["check", "one.qn", "--json"], { cwd: folder, env });
    expect([quiet.code, quiet.out]).toEqual([1, ""]);
    expect(quiet.err).toMatch(/^internal error: broken on purpose\nThis is a mistake in Quern, not in your files: please report it/);
    expect(quiet.err).not.toContain("    at ");
    expect(quern(["check", "one.qn", "--json"], { cwd: folder, env: { ...env, QUERN_DEBUG: "1" } }).err).toContain("    at ");
  });
});
