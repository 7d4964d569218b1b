import { expect, test } from "vitest";
import { defaultGpuLimits, type GpuLimits } from "../../src/ir/gpu_limits.ts";
import { verifyShader } from "../../src/ir/verify_shader.ts";
import { codesIn, testCoverage, testVerifier } from "./broken.ts";
import { shaderBreaks, shaderText } from "./broken_shaders.ts";
import { parsed } from "./levels.ts";

testVerifier("shader level", shaderText, shaderBreaks);
const own = codesIn(["verify_shader.ts"]);
testCoverage(
  ["verify_shader.ts"],
  shaderBreaks.filter(([code]) => own.includes(code)),
);

const tight: Partial<GpuLimits>[] = [
  { maxComputeInvocationsPerWorkgroup: 15 },
  { maxComputeWorkgroupSizeX: 15 },
  { maxComputeWorkgroupSizeY: 0 },
  { maxComputeWorkgroupSizeZ: 0 },
  { maxComputeWorkgroupsPerDimension: 0 },
  { maxComputeWorkgroupStorageSize: 63 },
  { maxStorageBuffersPerShaderStage: 2 },
  { maxStorageBufferBindingSize: 319 },
  { maxBufferSize: 511 },
];

test.each(tight)("a device whose limit is %o cannot have it, and is told what to do", (limit) => {
  const at = parsed(shaderText);
  if (at.level !== "shader") throw new Error("not a shader program");
  const found = verifyShader(at.program, { ...defaultGpuLimits, ...limit });
  expect(found.length).toBeGreaterThan(0);
  for (const { code, message, help } of found) {
    expect(code).toBe("gpu-limit");
    expect(message).toContain(String(Object.values(limit)[0]));
    expect(help).toBeTruthy();
  }
});
