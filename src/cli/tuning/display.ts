/** What a tuning run shows: one line that is rewritten on a terminal, and a line now and then where the output is piped. */
import type { Progress } from "../../tuner/tune.ts";
import type { Terminal } from "../terminal.ts";

export type Display = { show(progress: Progress): void; end(): void };

/** Seconds between two lines of a piped run. */
const pause = 5;

export function createDisplay(terminal: Terminal, isLive: boolean, now: () => number): Display {
  let shown = -Infinity;
  let isOpen = false;
  return {
    show(progress) {
      const text = describe(progress);
      if (isLive) {
        terminal.errRaw(`\r\u001b[K${text.slice(0, terminal.columns - 1)}`);
        isOpen = true;
      } else if (now() - shown >= pause * 1000) {
        shown = now();
        terminal.err(text);
      }
    },
    end() {
      if (isOpen) terminal.errRaw("\r\u001b[K");
      isOpen = false;
    },
  };
}

function describe(progress: Progress): string {
  const { workload, trials, seconds, budget, best, defaultTime, flops, peak, totals, phase } = progress;
  const left =
    budget.seconds !== undefined
      ? `${Math.max(0, Math.round(budget.seconds - seconds))} s left`
      : budget.trials !== undefined
        ? `${Math.max(0, budget.trials - trials)} trials left`
        : "";
  const parts = [
    `${trials} trials, ${Math.round(seconds)} s${left === "" ? "" : `, ${left}`}`,
    totals ? `network ${totals.tunedMs.toFixed(3)} of ${totals.defaultMs.toFixed(3)} ms` : "timing each layer once",
    `${phase === "final" ? "settling" : "tuning"} ${workload.layers[0] ?? ""}${workload.layers.length > 1 ? ` (${workload.layers.length} layers)` : ""}: ${us(best)} of ${us(defaultTime)} us`,
    `${(flops / 1e9).toFixed(1)} GFLOP/s, ${((100 * flops) / peak).toFixed(0)}% of peak`,
  ];
  return parts.join(" | ");
}

function us(value: number): string {
  return value.toFixed(value < 100 ? 1 : 0);
}
