/** What every section is built of: elements, plots that follow the page's width, legends, and the tables behind the plots. */

type Child = Node | string;

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: { readonly [name: string]: string } = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A heading, a sentence on how to read what follows, and that. */
export function section(id: string, title: string, about: string, ...children: readonly Child[]): HTMLElement {
  return element(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    element("h2", { id: `${id}-title` }, title),
    element("p", { class: "quiet" }, about),
    ...children,
  );
}

/** `draw` is asked again whenever the width (CSS pixels) changes. */
export function plotFigure(id: string, draw: (width: number) => Element, ...before: readonly Child[]): HTMLElement {
  const plot = element("div", {});
  let drawn = 0;
  new ResizeObserver(() => {
    const width = Math.floor(plot.clientWidth);
    if (width === 0 || width === drawn) return;
    drawn = width;
    plot.replaceChildren(draw(width));
  }).observe(plot);
  return element("figure", { "data-plot": id }, ...before, plot);
}

export type Swatch = {
  readonly label: string;
  readonly color: string;
  readonly shape?: "hollow" | "round" | "line" | "dashed" | "dotted" | "thin";
};

export function legend(swatches: readonly Swatch[]): HTMLElement {
  const items = swatches.map(({ label, color, shape }) => {
    const mark = element("i", { class: shape ?? "", style: `--swatch: ${color}`, "aria-hidden": "true" });
    return element("li", {}, mark, label);
  });
  return element("ul", { class: "legend" }, ...items);
}

export type Column<Row> = { readonly title: string; readonly of: (row: Row) => string | number | undefined; readonly digits?: number };

/** Folded, below what it tells again. */
export function tableBehind<Row>(label: string, columns: readonly Column<Row>[], rows: readonly Row[]): HTMLElement {
  const heads = columns.map(({ title, digits }) =>
    element("th", { scope: "col", ...(digits === undefined ? {} : { class: "number" }) }, title),
  );
  const lines = rows.map((row) => {
    const cells = columns.map(({ of, digits }) => {
      const value = of(row);
      if (typeof value !== "number") return element("td", {}, value ?? "");
      return element("td", { class: "number" }, value.toFixed(digits ?? 0));
    });
    return element("tr", {}, ...cells);
  });
  const table = element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...lines));
  const scroll = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, table);
  return element("details", {}, element("summary", {}, `${label}, as a table`), scroll);
}

/** In the middle, for names differ at their ends. */
export function shorten(text: string, length: number): string {
  if (text.length <= length) return text;
  const end = Math.floor((length - 1) / 3);
  return `${text.slice(0, length - 1 - end)}…${text.slice(-end)}`;
}

/** Four significant digits. */
export function microseconds(us: number): string {
  return `${Number(us.toPrecision(4))} µs`;
}

/** `1.5 MiB` */
export function byteText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const [value, unit] = bytes < 1024 * 1024 ? [bytes / 1024, "KiB"] : [bytes / 1024 / 1024, "MiB"];
  return `${Number(value.toPrecision(3))} ${unit}`;
}

/** GFLOP/s of a layer. */
export function gflops({ us, operations }: { readonly us: number; readonly operations: number }): number {
  return us > 0 ? operations / us / 1e3 : 0;
}
