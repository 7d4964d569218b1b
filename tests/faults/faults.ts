/**
 * Mistakes that somebody could make in the compiler, and the tests that must find each: scripts/plant_faults.ts puts them into a copy
 * of the checkout, one at a time.
 */
import { exportFaults } from "./export_faults.ts";
import type { Fault } from "./fault.ts";
import { loweringFaults } from "./lowering_faults.ts";
import { otherFaults } from "./other_faults.ts";
import { scheduleFaults } from "./schedule_faults.ts";
import { shaderFaults } from "./shader_faults.ts";

export const faults: readonly Fault[] = [...loweringFaults, ...otherFaults, ...exportFaults, ...scheduleFaults, ...shaderFaults];
