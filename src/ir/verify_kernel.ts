/** Invariants of the kernel level. docs/levels.md lists them with their codes. */
import type { Diagnostic } from "../support/diagnostic.ts";
import type { Kernel, KernelCall, KernelProgram, Placement } from "./kernel.ts";
import { checkKernelBody } from "./verify_kernel_body.ts";
import { checkMemory } from "./verify_kernel_memory.ts";
import { createReport, type Report, requireUnique } from "./verify_report.ts";

export function verifyKernel(program: KernelProgram): Diagnostic[] {
  const report = createReport();
  const kernels = new Map(program.kernels.map((kernel) => [kernel.name, kernel]));
  const placements = new Map(program.placements.map((placement) => [placement.buffer, placement]));
  requireUnique(
    program.kernels.map((kernel) => kernel.name),
    "kernel-twice",
    "the kernel",
    report,
  );
  const calls = new Map<string, KernelCall[]>();
  for (const call of program.calls) {
    checkCall(call, kernels.get(call.kernel), placements, report);
    const known = calls.get(call.kernel);
    if (known) known.push(call);
    else calls.set(call.kernel, [call]);
  }
  for (const kernel of program.kernels) checkKernelBody(kernel, sizesOf(kernel, calls.get(kernel.name) ?? [], placements), report);
  checkMemory(program, report);
  return report.diagnostics;
}

function checkCall(call: KernelCall, kernel: Kernel | undefined, placements: ReadonlyMap<string, Placement>, report: Report): void {
  const where = `the call of \`${call.kernel}\` for \`${call.nest}\``;
  if (!kernel) {
    report.add("unknown-kernel", `${where}: there is no kernel \`${call.kernel}\``);
    return;
  }
  if (call.arguments.length !== kernel.parameters.length)
    report.add("argument-count", `${where} gives ${call.arguments.length} buffers to ${kernel.parameters.length} parameters`);
  call.arguments.forEach((buffer, i) => {
    const placement = placements.get(buffer);
    const parameter = kernel.parameters[i];
    if (!placement) report.add("unplaced", `${where}: \`${buffer}\` has no place in memory`);
    else if (parameter && parameter.dtype !== placement.dtype)
      report.add("argument-dtype", `${where}: \`${parameter.name}\` holds ${parameter.dtype}, and \`${buffer}\` ${placement.dtype}`);
  });
}

/** The bytes that every call gives each parameter at least; a kernel that nobody calls may use any. */
function sizesOf(kernel: Kernel, calls: readonly KernelCall[], placements: ReadonlyMap<string, Placement>): Map<string, number> {
  return new Map(
    kernel.parameters.map(({ name }, i) => {
      const sizes = calls.flatMap((call) => placements.get(call.arguments[i] ?? "")?.bytes ?? []);
      return [name, Math.min(...sizes, Infinity)];
    }),
  );
}
