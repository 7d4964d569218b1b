/** renderPage: the report as one HTML file that asks for nothing else. */
import type { Report } from "./report.ts";
import { style } from "./style.ts";

/** `script` is the page's own code, bundled with what it draws with. */
export function renderPage(report: Report, script: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<title>${escapeHtml(report.model)}: Quern report</title>
<style>${style}</style>
</head>
<body>
<main id="page"><noscript>This report draws its plots with JavaScript, which is switched off.</noscript></main>
<script type="application/json" id="report">${insideScript(JSON.stringify(report))}</script>
<script>${script.replace(/<\/(script)/gi, "<\\/$1")}</script>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

/** No name in the report can end the element that holds it. */
function insideScript(json: string): string {
  return json.replaceAll("<", "\\u003c");
}
