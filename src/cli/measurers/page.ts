/**
 * The agent in a page: a server hands the page a request when it asks for one, and takes the answer. Any browser that can reach the server
 * can open the page. The page runs the agent in a worker, and ends the worker where no answer comes in time.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { agentText } from "../../tuner/agent_text.ts";
import { gpuAgentText } from "../../tuner/gpu_agent_text.ts";
import { decoderText, encodeMessage } from "./message.ts";
import { optimizeReferences } from "./references.ts";

/** What is asked of the agent in the page, and what it answers. */
export type PageServer<Request, Answer> = {
  readonly url: string;
  request(request: Request, seconds: number): Promise<Answer | undefined>;
  close(): Promise<void>;
};

/** An isolated page has a clock of five microseconds. */
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cache-Control": "no-store",
};

/** The agent whose text makes it by a function of that name. */
const workerText = (text: string, create: string) => `${text}${decoderText}
let agent;
onmessage = async ({ data }) => {
  if (typeof data === "string") agent = ${create}(data);
  else
    try {
      postMessage({ value: await agent.handle(decodeMessage(data)) });
    } catch (error) {
      postMessage({ error: String(error?.message ?? error) });
    }
};
`;

/** For modules of WebAssembly. */
export const wasmWorker = workerText(agentText, "createAgent");
/** For shaders. */
export const gpuWorker = workerText(gpuAgentText, "createGpuAgent");

const pageText = `<!doctype html>
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>quern tune</title>
<style>body { font: 1rem/1.5 system-ui; margin: 2rem auto; max-width: 40rem; padding: 0 1rem; color-scheme: light dark }</style>
<h1>quern tune</h1>
<p>This page measures for a tuning run. Leave it open, in the foreground.</p>
<p id="state">waiting</p>
<script type="module">
const place = URL.createObjectURL(new Blob([await (await fetch("worker.js")).text()], { type: "text/javascript" }));
const data = await navigator.userAgentData?.getHighEntropyValues?.(["fullVersionList"]);
const version = data?.fullVersionList?.find(({ brand }) => brand === "Chromium")?.version ?? navigator.userAgent;
// A page that came over the network runs on another device.
const device = location.hostname === "localhost" ? undefined : navigator.userAgent;
const start = () => {
  const worker = new Worker(place, { type: "module" });
  worker.postMessage(version);
  return worker;
};
let worker = start();
let count = 0;
for (;;) {
  const response = await fetch("next").catch(() => undefined);
  if (!response?.ok) {
    document.querySelector("#state").textContent = response?.status === 410 ? "the run has ended" : "the tuner is gone";
    if (response?.status === 410 || !response) break;
    continue;
  }
  const seconds = Number(response.headers.get("x-seconds"));
  const request = await response.arrayBuffer();
  const answer = await new Promise((resolve) => {
    const timer = setTimeout(() => resolve({ hung: true }), seconds * 1000);
    worker.onmessage = ({ data }) => (clearTimeout(timer), resolve(data));
    worker.onerror = ({ message }) => (clearTimeout(timer), resolve({ hung: true, message }));
    worker.postMessage(request, [request]);
  });
  if (answer.hung) {
    worker.terminate();
    worker = start();
  }
  if (answer.value?.kind === "described" && device) answer.value.device = device;
  document.querySelector("#state").textContent = ++count + " batches measured";
  await fetch("answer", { method: "POST", body: JSON.stringify(answer, (key, value) => (typeof value === "number" && !Number.isFinite(value) ? null : value)) });
}
</script>
`;

/** What a person is told who opens the page somewhere. */
export const askToOpen = (url: string) =>
  `open ${url} here, or this machine's address with port ${new URL(url).port} on another device, to begin`;
export const askAgain = "the page does not answer: open it again";
/** Seconds: whoever holds the phone needs a while. */
export const patience = 3600;

type Waiting = { readonly bytes: Uint8Array; readonly seconds: number; readonly settle: (text: string | undefined) => void };

/** Port 0 takes one that is free. `onSilence` is told when the page itself does not answer, and may open another. */
export async function servePage<Request, Answer>(
  worker: string,
  port: number,
  host: string,
  onSilence: () => void,
): Promise<PageServer<Request, Answer>> {
  optimizeReferences();
  let current: Waiting | undefined;
  let asking: ServerResponse | undefined;
  let isClosed = false;
  const hand = () => {
    if (!current || !asking) return;
    asking
      .writeHead(200, { ...headers, "Content-Type": "application/octet-stream", "x-seconds": String(current.seconds) })
      .end(current.bytes);
    asking = undefined;
  };
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    if (request.method === "POST" && path === "/answer") {
      void bodyOf(request).then((text) => {
        response.writeHead(204, headers).end();
        current?.settle(text);
      });
      return;
    }
    if (path === "/next") {
      if (isClosed) response.writeHead(410, headers).end();
      else {
        asking = response;
        hand();
      }
      return;
    }
    const text = { "/": pageText, "/worker.js": worker }[path];
    const type = path === "/" ? "text/html" : "text/javascript";
    if (text === undefined) response.writeHead(404, headers).end();
    else response.writeHead(200, { ...headers, "Content-Type": `${type}; charset=utf-8` }).end(text);
  });
  // No limit on how long a page waits for its next request.
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    async request(request, seconds) {
      const text = await new Promise<string | undefined>((resolve) => {
        // The page gives up before: this is for a page that is gone.
        const timer = setTimeout(
          () => {
            onSilence();
            settle(undefined);
          },
          (seconds + 30) * 1000,
        );
        const settle = (answer: string | undefined) => {
          clearTimeout(timer);
          current = undefined;
          resolve(answer);
        };
        current = { bytes: encodeMessage(request), seconds, settle };
        hand();
      });
      const answer = text === undefined ? {} : (JSON.parse(text) as { readonly value?: Answer; readonly error?: string });
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer.value;
    },
    async close() {
      isClosed = true;
      asking?.writeHead(410, headers).end();
      server.close();
      server.closeAllConnections();
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of request) parts.push(part as Uint8Array);
  return Buffer.concat(parts).toString("utf8");
}
