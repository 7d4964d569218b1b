import { defineConfig } from "vitest/config";

/** To end what hangs, and not to judge speed: a machine with much else to do takes many times as long. */
const timeout = 600_000;
/** What judges speed runs first, and with nothing beside it. */
const alone = ["tests/cli/speed.test.ts"];

const limits = { testTimeout: timeout, hookTimeout: timeout, maxWorkers: 2 };

// biome-ignore lint/style/noDefaultExport: vitest loads the default export
export default defineConfig({
  test: {
    projects: [
      { test: { ...limits, name: "alone", include: alone, sequence: { groupOrder: 0 } } },
      { test: { ...limits, name: "tests", include: ["tests/**/*.test.ts"], exclude: alone, sequence: { groupOrder: 1 } } },
    ],
  },
});
