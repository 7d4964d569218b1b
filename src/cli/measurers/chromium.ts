/** The agent in a page. */
import type { Channel } from "../../tuner/engine_measurer.ts";

export async function startChromium(_path: string): Promise<Channel> {
  throw new Error("not yet");
}
