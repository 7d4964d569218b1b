/** Writing whole or not at all, and errors of the disk as diagnostics. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readBytes, readText, writeFile, writeFiles } from "../../src/cli/io/files.ts";

const folder = mkdtempSync(join(tmpdir(), "quern-files-"));
afterAll(() => rmSync(folder, { recursive: true }));
const messages = (diagnostics: readonly { message: string }[]) => diagnostics.map((diagnostic) => diagnostic.message);

describe("files", () => {
  test("are written into folders that are made", () => {
    const inner = join(folder, "a", "b");
    expect(
      writeFiles(inner, [
        { name: "x.txt", contents: "one" },
        { name: "y.bin", contents: Uint8Array.of(1, 2) },
      ]),
    ).toEqual([]);
    expect(readdirSync(inner).sort()).toEqual(["x.txt", "y.bin"]);
    expect(readText(join(inner, "x.txt")).value).toBe("one");
    expect([...(readBytes(join(inner, "y.bin")).value ?? [])]).toEqual([1, 2]);
    expect(writeFile(join(inner, "x.txt"), "two")).toEqual([]);
    expect(readText(join(inner, "x.txt")).value).toBe("two");
  });

  test("a failure leaves every file as it was, and nothing behind", () => {
    const inner = join(folder, "c");
    writeFiles(inner, [{ name: "x.txt", contents: "old" }]);
    mkdirSync(join(inner, "sub", "z.txt"), { recursive: true });
    const found = writeFiles(inner, [
      { name: "x.txt", contents: "new" },
      { name: "absent/y.txt", contents: "new" },
    ]);
    expect(messages(found)).toEqual([`cannot write ${join(inner, "absent/y.txt")}: there is no such file`]);
    expect(readFileSync(join(inner, "x.txt"), "utf8")).toBe("old");
    expect(readdirSync(inner).sort()).toEqual(["sub", "x.txt"]);
    expect(messages(writeFile(join(inner, "sub", "z.txt"), "new"))).toEqual([
      `cannot write ${join(inner, "sub", "z.txt")}: it is a folder`,
    ]);
    expect(readdirSync(join(inner, "sub"))).toEqual(["z.txt"]);
  });

  test.skipIf(process.platform !== "linux")("a folder in which none can be made", () => {
    expect(messages(writeFile("/proc/quern/y.npy", ""))).toEqual(["cannot write /proc/quern: there is no such file"]);
  });

  test("a file where a folder should be", () => {
    writeFileSync(join(folder, "plain"), "");
    expect(messages(writeFile(join(folder, "plain", "x"), ""))[0]).toMatch(
      /^cannot write .*: a (part of the path is no folder|file of that name is in the way)$/,
    );
  });

  test("what cannot be read", () => {
    writeFileSync(join(folder, "latin1.qn"), Uint8Array.of(0x6d, 0xe9));
    expect(messages(readText(join(folder, "latin1.qn")).diagnostics)).toEqual([`${join(folder, "latin1.qn")} is not UTF-8 text`]);
    expect(messages(readText(folder).diagnostics)).toEqual([`cannot read ${folder}: it is a folder`]);
    writeFileSync(join(folder, "bom.qn"), "\ufeffmodel");
    expect(readText(join(folder, "bom.qn")).value).toBe("model");
  });

  test.skipIf(process.getuid?.() === 0)("no permission", () => {
    writeFileSync(join(folder, "secret"), "");
    chmodSync(join(folder, "secret"), 0);
    expect(messages(readBytes(join(folder, "secret")).diagnostics)).toEqual([`cannot read ${join(folder, "secret")}: permission denied`]);
  });
});
