/** The script of a report's page: beside the bundled command line as a file; in a checkout, bundled when it is asked for. */
import { existsSync, readFileSync } from "node:fs";

export async function readPageScript(): Promise<string> {
  const built = new URL("../report/page.js", import.meta.url);
  if (existsSync(built)) return readFileSync(built, "utf8");
  // Not a literal: the bundle must not take the bundler in.
  const bundler: { pageScript(): string } = await import(new URL("../../../scripts/bundle.mjs", import.meta.url).href);
  return bundler.pageScript();
}
