/** The page's look: two colour schemes, one column on a phone. */

export const style = `
:root {
  --background: #ffffff; --surface: #f4f5f7; --ink: #1c2330; --quiet: #586174; --rule: #d5d9e0;
  --before: #6b7790; --after: #c2500a; --input: #0b7a75; --temporary: #2f6fb7; --output: #8a3ea8; --link: #1d5fa8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --background: #14181f; --surface: #1d232d; --ink: #e6e9ef; --quiet: #a2abba; --rule: #39414f;
    --before: #8c99b0; --after: #ff9a4d; --input: #35b8af; --temporary: #6aa6ea; --output: #c98be0; --link: #7fb4f0;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--background); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1200px; margin: 0 auto; padding: 24px 20px 64px; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 44px 0 4px; }
h3 { font-size: .9rem; margin: 0 0 2px; overflow-wrap: anywhere; }
p { margin: 4px 0 12px; max-width: 75ch; }
.quiet, figcaption { color: var(--quiet); }
code, pre { font: 12px/1.45 ui-monospace, monospace; }
nav ul { display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; padding: 0; margin: 16px 0 0; }
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 10px; margin: 20px 0 0; }
.facts div { background: var(--surface); border-radius: 8px; padding: 10px 14px; }
.facts dt { color: var(--quiet); font-size: .85rem; }
.facts dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.missing { background: var(--surface); border-left: 4px solid var(--after); border-radius: 4px; padding: 10px 16px; margin: 20px 0 0; }
.missing p { margin: 0; }
.missing ul { margin: 4px 0 0; padding-left: 20px; }
.missing code { overflow-wrap: anywhere; }
figure { margin: 8px 0; }
figure svg { --plot-background: var(--background); display: block; max-width: 100%; overflow: visible; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 18px; list-style: none; padding: 0; margin: 4px 0 8px; font-size: .9rem; }
.legend i { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 6px; border: 2px solid var(--swatch); background: var(--swatch); }
.legend i.hollow { background: none; border-radius: 50%; }
.legend i.round { border-radius: 50%; }
.legend i.line, .legend i.dashed, .legend i.dotted, .legend i.thin { width: 22px; height: 0; border: 0; border-top: 2px solid var(--swatch); border-radius: 0; background: none; vertical-align: middle; }
.legend i.dashed { border-top-style: dashed; }
.legend i.thin { border-top-width: 1px; }
.legend i.dotted { border-top-style: dotted; }
.curves { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 340px), 1fr)); gap: 22px; }
.curves figure { min-width: 0; }
details { margin: 8px 0; }
summary { cursor: pointer; color: var(--link); }
.scroll { overflow-x: auto; max-height: 70vh; overflow-y: auto; }
table { border-collapse: collapse; font-size: .87rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 3px 14px 3px 0; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { position: sticky; top: 0; background: var(--background); }
.number { text-align: right; }
.kernel { border: 1px solid var(--rule); border-radius: 8px; margin: 8px 0; }
.kernel > summary { padding: 8px 14px; color: var(--ink); overflow-wrap: anywhere; }
.kernel > summary b { font-weight: 600; }
.kernel > summary span { color: var(--quiet); margin-left: 8px; }
.columns { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 4fr) minmax(0, 5fr); gap: 14px; padding: 4px 14px 14px; }
.columns pre { margin: 4px 0 0; padding: 10px; background: var(--surface); border-radius: 6px; overflow: auto; max-height: 60vh; }
@media (max-width: 800px) {
  main { padding: 18px 14px 48px; }
  .columns { grid-template-columns: minmax(0, 1fr); }
  .columns pre { max-height: 45vh; }
  .facts dd { font-size: 1.1rem; }
}
@media print { .kernel { break-inside: avoid; } nav { display: none; } }
`;
