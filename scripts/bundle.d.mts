/** Bundles the compiler and the command line into `outdir`: `index.js`, `cli/main.js` their chunks, and `report/page.js`. */
export declare function bundleSync(outdir: string): void;

/** The licence files of all packages whose code is in the bundle. */
export declare function licensesInside(): { readonly name: string; readonly file: string }[];

/** The script of a report's page, with the licences of what is in it. */
export declare function pageScript(): string;
