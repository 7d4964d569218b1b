/** The interface of the module that `quern build` writes for ResNet-8, for tests that import one at run time. */
export type Net = {
  readonly target: "simd" | "relaxed";
  run(inputs: { image: Float32Array }): Promise<{ probabilities: Float32Array }>;
  dispose(): void;
};

export declare function load(options?: { readonly target?: "simd" | "relaxed" }): Promise<Net>;
