import { defineConfig } from "vitest/config";

/** To end what hangs, and not to judge speed: a machine with much else to do takes many times as long. */
const timeout = 600_000;

// biome-ignore lint/style/noDefaultExport: vitest loads the default export
export default defineConfig({ test: { include: ["tests/**/*.test.ts"], testTimeout: timeout, hookTimeout: timeout, maxWorkers: 2 } });
