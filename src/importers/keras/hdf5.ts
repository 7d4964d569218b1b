/**
 * HDF5 as plain data, through the HDF5 library itself (h5wasm). The file lies in the library's own memory; nothing of it is read
 * before its size is known to be within bounds.
 */
import type { Dataset, Group } from "h5wasm";
import { elementCount } from "../../ir/dtype.ts";
import type { ForeignFile, ImportedTensor, Numbers } from "../importer.ts";
import { checkShape } from "../limits.ts";

export type H5Group = {
  /** Texts, and lists of texts; other attributes are left out. */
  readonly attributes: ReadonlyMap<string, string | readonly string[]>;
  readonly groups: ReadonlyMap<string, H5Group>;
  readonly datasets: ReadonlyMap<string, ImportedTensor>;
};

/** Deeper and more than any network needs: links may lead in circles. */
const deepest = 12;
const mostItems = 20_000;
/** What a dataset may take for each byte of its file: compression does not go further. */
const largestRatio = 1032;
/** Bytes by which the library's memory may grow for one file, at least, and for each byte of the file: a size in it may be a lie. */
const [growth, growthRatio] = [2 ** 28, 8];

/** The group at the path, or the root, with everything below; or what is wrong. */
export async function readHdf5({ bytes, limited }: ForeignFile, wanted: readonly string[]): Promise<H5Group | string> {
  const { default: h5wasm, Dataset: DatasetClass, File, Group: GroupClass } = await import("h5wasm");
  const signature = bytes.subarray(0, 8);
  if (signature.join() !== hdf5Signature.join()) return "byte 0: this is no HDF5 file";
  const library = await h5wasm.ready;
  const { FS } = library;
  if (stopped) return "the HDF5 library stopped at an earlier file: read this one in another process";
  // What is wrong is thrown, with its reason, instead of printed.
  library.activate_throwing_error_handler();
  const name = `import-${count++}.h5`;
  let items = 0;
  let left = bytes.length * largestRatio;

  const readAttributes = (group: Group): Map<string, string | readonly string[]> => {
    const found = new Map<string, string | readonly string[]>();
    for (const [key, attribute] of Object.entries(group.attrs)) {
      const { shape, metadata } = attribute;
      const taken = elementCount(shape ?? []) * metadata.size;
      if (!(taken >= 0 && taken <= bytes.length)) throw new Error(`the attribute ${key} is larger than the file`);
      const { value } = attribute;
      if (typeof value === "string") found.set(key, value);
      else if (Array.isArray(value) && value.every((item) => typeof item === "string")) found.set(key, value as string[]);
    }
    return found;
  };
  const readDataset = (key: string, dataset: Dataset): ImportedTensor | undefined => {
    const shape = checkShape(dataset.shape ?? []);
    if (typeof shape === "string") throw new Error(`the dataset ${key}: ${shape}`);
    const type = numericTypes.get(String(dataset.dtype));
    if (!type) return undefined;
    left -= elementCount(shape) * dataset.metadata.size;
    if (left < 0) throw new Error(`the dataset ${key} is larger than the file can hold`);
    const { value } = dataset;
    const values = typeof value === "number" ? [value] : ArrayBuffer.isView(value) ? (value as Numbers) : undefined;
    if (!values || values.length !== elementCount(shape)) throw new Error(`the dataset ${key} cannot be read`);
    return { type: { dtype: type.dtype, shape }, values: type.from(values) };
  };
  const readGroup = (group: Group, keys: readonly string[], depth: number): H5Group => {
    const groups = new Map<string, H5Group>();
    const datasets = new Map<string, ImportedTensor>();
    for (const key of keys) {
      if (depth > deepest || ++items > mostItems) throw new Error("its groups are too many, or lead in a circle");
      const item = group.get(key);
      if (item instanceof GroupClass) groups.set(key, readGroup(item, item.keys(), depth + 1));
      else if (item instanceof DatasetClass) {
        const tensor = readDataset(key, item);
        if (tensor) datasets.set(key, tensor);
      }
    }
    return { attributes: readAttributes(group), groups, datasets };
  };

  const readFile = (): H5Group => {
    const file = new File(name, "r");
    try {
      const keys = file.keys();
      return readGroup(
        file,
        keys.filter((key) => wanted.length === 0 || wanted.includes(key)),
        0,
      );
    } finally {
      file.close();
    }
  };
  try {
    FS.writeFile(name, bytes);
    const group = boundedGrowth(growth + bytes.length * growthRatio, () => limited(readFile));
    stopped = group === undefined;
    return group ?? "this cannot be read as HDF5: its parts lead in a circle";
  } catch (error) {
    stopped = error instanceof WebAssembly.RuntimeError;
    return `this cannot be read as HDF5: ${reasonOf(error instanceof Error ? error.message : String(error))}`;
  } finally {
    FS.unlink(name);
  }
}

/** The library prints its whole stack; the innermost line says most. */
function reasonOf(message: string): string {
  const reasons = [...message.matchAll(/#\d+: .* in (\w+)\(\): (.*)/g)];
  const [, place = "", reason = ""] = reasons.at(-1) ?? [];
  return reason === "" ? message.split("\n", 1).join() : `${reason} (${place})`;
}

let count = 0;
/** It ended itself for want of memory, or was interrupted: what it would do after that is undefined. */
let stopped = false;

/** Whether an earlier file has stopped the library for good, in this process or thread. */
export function isHdf5Stopped(): boolean {
  return stopped;
}

/**
 * What the work gives, while WebAssembly memories grow by no more than so many bytes in all. The library keeps its memory to itself
 * and has no bound of its own below 4 GiB; asked for more it is told that there is none, and says so of the file.
 */
function boundedGrowth<T>(bytes: number, work: () => T): T {
  const prototype = WebAssembly.Memory.prototype;
  const { grow } = prototype;
  let left = Math.floor(bytes / 65_536);
  prototype.grow = function (this: WebAssembly.Memory, pages: number): number {
    if (pages > left) throw new RangeError(`the memory would grow by more than ${bytes} bytes`);
    left -= pages;
    return grow.call(this, pages);
  };
  try {
    return work();
  } finally {
    prototype.grow = grow;
  }
}

const hdf5Signature = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

type NumericType = { readonly dtype: ImportedTensor["type"]["dtype"]; from(values: ArrayLike<number>): Numbers };
const f32: NumericType = { dtype: "f32", from: (values) => Float32Array.from(values) };
const i32: NumericType = { dtype: "i32", from: (values) => Int32Array.from(values) };

/** By the library's spelling: byte order, kind and size. Half precision widens exactly. */
const numericTypes = new Map<string, NumericType>([
  ["<f", f32],
  ["<e", f32],
  ["<d", f32],
  [">f", f32],
  [">d", f32],
  ["<i", i32],
  ["<b", { dtype: "i8", from: (values) => Int8Array.from(values) }],
  ["<B", { dtype: "u8", from: (values) => Uint8Array.from(values) }],
]);
