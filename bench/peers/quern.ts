/** The folder that `quern build` writes; its `model.js` is all the runtime there is. */
import type { Given, Peer } from "../contender.ts";

type Net = { run(inputs: { [name: string]: Float32Array }): Promise<{ [name: string]: Float32Array }> };
type Built = { load(options: { target?: string; files: Given["files"] }): Promise<Net> };

export const peer: Peer = {
  async load({ files, places, input, variant }) {
    // In a page the module is imported from memory; Node has no such address, and reads it.
    const inPage = "document" in globalThis;
    const place = inPage ? URL.createObjectURL(new Blob([files["model.js"] ?? ""], { type: "text/javascript" })) : places["model.js"];
    const built: Built = await import(place ?? "");
    const net = await built.load({ files, ...(variant === undefined ? {} : { target: variant }) });
    const inputs = { [input.name]: input.values };
    return async () => {
      const [output] = Object.values(await net.run(inputs));
      if (!output) throw new Error("the model gave no output");
      return output;
    };
  },
};
