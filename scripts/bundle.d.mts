/** Bundles the compiler and the command line into `outdir`: `index.js`, `cli/main.js` and their chunks. */
export declare function bundleSync(outdir: string): void;

/** The licence files of all packages whose code is in the bundle. */
export declare function licensesInside(): { readonly name: string; readonly file: string }[];
