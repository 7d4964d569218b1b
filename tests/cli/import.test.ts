/** quern import, and a foreign network given to other commands. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { fileBytes, floats, info } from "../importers/onnx_files.ts";
import { quern } from "./quern.ts";

const folder = mkdtempSync(join(tmpdir(), "quern-import-"));
afterAll(() => rmSync(folder, { recursive: true }));

const net = join(folder, "net.onnx");
writeFileSync(
  net,
  fileBytes({
    nodes: [{ operator: "Add", name: "sum", inputs: ["x", "b"], outputs: ["y"] }],
    inputs: [info("x", ["batch", "width"])],
    outputs: [info("y", ["batch", "width"])],
    initializers: [floats("b", [2], [1, 2])],
  }),
);

test("writes a model and its weights, which run as the file does", () => {
  const out = join(folder, "net");
  expect(quern(["import", net, "--shape", "x=1x2", "--out", out]).code).toBe(0);
  expect(readFileSync(join(out, "model.qn"), "utf8")).toContain("let y = x + @b: [2]");
  expect(quern(["fmt", "--check", join(out, "model.qn")]).code).toBe(0);
  const written = quern(["run", join(out, "model.qn"), "--weights", join(out, "model.safetensors"), "--random", "1", "--json"]);
  const direct = quern(["run", net, "--shape", "x=1x2", "--random", "1", "--json"]);
  expect(direct.code).toBe(0);
  expect(direct.out).toBe(written.out);
});

test("what is repeated becomes a function, whose weights lie where it reads them; other commands keep the source's names", () => {
  const blocks = [0, 1, 2, 3].flatMap((i) => [
    { operator: "Add", name: `add${i}`, inputs: [`x${i}`, `b.${i}.bias`], outputs: [`a${i}`] },
    { operator: "Relu", name: `relu${i}`, inputs: [`a${i}`], outputs: [`r${i}`] },
    { operator: "Mul", name: `mul${i}`, inputs: [`r${i}`, `k${i}`], outputs: [`x${i + 1}`] },
  ]);
  const path = join(folder, "repeated.onnx");
  const bytes = fileBytes({
    nodes: blocks,
    inputs: [info("x0", [1, 2])],
    outputs: [info("x4", [1, 2])],
    initializers: [0, 1, 2, 3].flatMap((i) => [floats(`b.${i}.bias`, [2], [i, -1]), floats(`k${i}`, [2], [0.5, i + 1])]),
  });
  writeFileSync(path, bytes);
  const out = join(folder, "repeated");
  expect(quern(["import", path, "--out", out]).code).toBe(0);
  expect(readFileSync(join(out, "model.qn"), "utf8")).toMatch(/^fn block1\(/m);
  expect(quern(["fmt", "--check", join(out, "model.qn")]).code).toBe(0);
  const written = quern(["run", join(out, "model.qn"), "--weights", join(out, "model.safetensors"), "--random", "1", "--json"]);
  const direct = quern(["run", path, "--random", "1", "--json"]);
  expect(direct.code).toBe(0);
  expect(direct.out).toBe(written.out);
  expect(quern(["inspect", path, "--level", "nn"]).out).toContain("weight %b.0.bias");
});

test("other commands take the file", () => {
  for (const command of [["check"], ["verify"], ["inspect"]])
    expect(`${command}: ${quern([...command, net, "--shape", "x=1x2"]).code}`).toBe(`${command}: 0`);
});

test("what is wrong leaves nothing behind", () => {
  const out = join(folder, "none");
  const open = quern(["import", net, "--out", out]);
  expect(open.code).toBe(1);
  expect(open.err).toContain("the input `x` leaves width open");
  expect(quern(["import", net, "--shape", "x=1y2", "--out", out]).err).toContain("--shape x=1y2 is no shape of an input");
  writeFileSync(join(folder, "cut.onnx"), readFileSync(net).subarray(0, 60));
  expect(quern(["import", join(folder, "cut.onnx"), "--out", out]).err).toMatch(/damaged: at byte \d+/);
  expect(quern(["import", join(folder, "net.xyz"), "--out", out]).err).toContain("is of no format that can be imported");
  expect(existsSync(out)).toBe(false);
});
