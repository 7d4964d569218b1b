import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import { type LevelProgram, verifyLevel } from "../../src/ir/level_program.ts";
import { printLevel } from "../../src/ir/print_level.ts";
import { full } from "../support.ts";
import { exampleNames, stagesOf } from "./examples.ts";
import { allStages, parsed, withoutSpans } from "./levels.ts";
import { kernelExprKinds, kernelStatementKinds, wildKernelProgram } from "./random_kernels.ts";
import { atomKinds, countKinds, createWild, exprKinds, statementKinds } from "./random_programs.ts";

/** The text gives the data back, and the data the text. */
function expectRoundTrip(at: LevelProgram): void {
  const text = printLevel(at);
  const back = parsed(text);
  const [read, written] = [withoutSpans(back), withoutSpans(at)];
  // What `toStrictEqual` says when they differ takes it a minute to find that they do not.
  if (!isDeepStrictEqual(read, written)) expect(read).toStrictEqual(written);
  expect(printLevel(back)).toBe(text);
}

/** What the others have beside these is more of the same; texts of several megabytes are for the full mode. */
const short = ["custom-op", "detector", "mobilenet-v3-small", "resnet8", "unet", "vww"];

describe.each(full ? exampleNames : short)("the example %s, after every pass,", (name) => {
  const stages = allStages(stagesOf(name));
  test.each(stages)("$at.level after $pass goes through its text and is valid", ({ at }) => {
    expectRoundTrip(at);
    expect(verifyLevel(at)).toEqual([]);
  });
});

test("verifying a MobileNet takes less than 50 ms at every level", () => {
  const slow = allStages(stagesOf("mobilenet-v1")).flatMap(({ pass, at }) => {
    const times = Array.from({ length: 5 }, () => {
      const start = performance.now();
      verifyLevel(at);
      return performance.now() - start;
    });
    // The fastest of a few: a machine that tests share is busy with others.
    const fastest = Math.min(...times);
    return fastest < 50 ? [] : [`${at.level} after ${pass}: ${fastest} ms`];
  });
  expect(slow).toEqual([]);
});

describe("random programs go through their text", () => {
  const seeds = Array.from({ length: 400 }, (_, seed) => seed);
  const counted = new Map<string, number>();
  const declarations = stagesOf("custom-op").nn[0]?.program;

  const make: { readonly [level in Exclude<LevelProgram["level"], "shader">]: (seed: number) => LevelProgram } = {
    nn: (seed) => ({
      level: "nn",
      program: createWild(seed).nnProgram({
        operators: declarations?.operators ?? new Map(),
        definitions: declarations?.definitions ?? new Map(),
      }),
    }),
    tensor: (seed) => ({ level: "tensor", program: createWild(seed).tensorProgram() }),
    loop: (seed) => ({ level: "loop", program: createWild(seed).loopProgram() }),
    kernel: (seed) => ({ level: "kernel", program: wildKernelProgram(createWild(seed)) }),
  };

  test.each(["nn", "tensor", "loop", "kernel"] as const)("%s", (level) => {
    for (const seed of seeds) {
      const at = make[level](seed);
      expectRoundTrip(at);
      // Hardly any of them is valid; the verifiers say so and do not fall over.
      verifyLevel(at);
      const counts = new Map<string, number>();
      countKinds(level === "nn" ? [] : at.program, counts);
      for (const [kind, count] of counts) counted.set(`${level} ${kind}`, (counted.get(`${level} ${kind}`) ?? 0) + count);
    }
  });

  test("and reach every kind of expression and statement", () => {
    const wanted = {
      tensor: [exprKinds, atomKinds],
      loop: [exprKinds, atomKinds, statementKinds],
      kernel: [kernelExprKinds, kernelStatementKinds],
    };
    const lines = Object.entries(wanted).map(([level, unions]) => {
      const kinds = [...new Set(unions.flatMap((union) => Object.keys(union)))];
      const missing = kinds.filter((kind) => !counted.get(`${level} ${kind}`));
      expect(missing, `kinds that no random ${level} program has`).toEqual([]);
      return `${level}: ${kinds.map((kind) => `${kind} ${counted.get(`${level} ${kind}`)}`).join(", ")}`;
    });
    console.log(lines.join("\n"));
  });
});
