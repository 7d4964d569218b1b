/** Where candidates can be measured; dawn measures webgpu, the others wasm. */
export const engines = ["node", "chromium", "dawn", "stand-in"] as const;

export type Engine = (typeof engines)[number];
