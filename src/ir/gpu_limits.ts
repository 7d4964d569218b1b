/** What a WebGPU device can do, as data: a shader that breaks a limit is never emitted. Names and defaults are WebGPU's own. */

export type GpuLimits = {
  readonly maxComputeInvocationsPerWorkgroup: number;
  readonly maxComputeWorkgroupSizeX: number;
  readonly maxComputeWorkgroupSizeY: number;
  readonly maxComputeWorkgroupSizeZ: number;
  readonly maxComputeWorkgroupsPerDimension: number;
  /** Bytes. */
  readonly maxComputeWorkgroupStorageSize: number;
  readonly maxStorageBuffersPerShaderStage: number;
  /** Bytes. */
  readonly maxStorageBufferBindingSize: number;
  /** Bytes of one arena. */
  readonly maxBufferSize: number;
  /** Every binding begins at a multiple of this many bytes. */
  readonly minStorageBufferOffsetAlignment: number;
};

/** What every WebGPU device has (WebGPU, 3.6.2 Limits, the column of defaults). */
export const defaultGpuLimits: GpuLimits = {
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupSizeZ: 64,
  maxComputeWorkgroupsPerDimension: 65535,
  maxComputeWorkgroupStorageSize: 16384,
  maxStorageBuffersPerShaderStage: 8,
  maxStorageBufferBindingSize: 134217728,
  maxBufferSize: 268435456,
  minStorageBufferOffsetAlignment: 256,
};

/** Those that are above what every device has: a device is asked for them. */
export function aboveDefault(limits: Partial<GpuLimits>): { readonly [limit: string]: number } {
  const defaults = new Map<string, number>(Object.entries(defaultGpuLimits));
  return Object.fromEntries(Object.entries(limits).filter(([name, value]) => value > (defaults.get(name) ?? 0)));
}

/** Invocations of the largest subgroup that any device has (WebGPU, 4.4 GPUAdapterInfo: subgroupMaxSize). */
export const largestSubgroup = 128;

/** Bytes of all private arrays of a shader together (WGSL, 2.4 Limits: variables in the function address space). */
export const privateBytesLimit = 8192;
