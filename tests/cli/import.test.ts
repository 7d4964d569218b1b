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
