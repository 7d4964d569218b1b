/** Where candidates can be measured; dawn measures webgpu, chromium both, the others wasm. */
export const engines = ["node", "chromium", "dawn", "stand-in"] as const;

export type Engine = (typeof engines)[number];
