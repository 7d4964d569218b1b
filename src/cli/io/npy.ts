/**
 * NumPy's .npy files (numpy.lib.format, versions 1 to 3): one array, little-endian, C order.
 * Parsing takes bytes and never throws.
 */
import { type DType, elementCount, type TensorType } from "../../ir/dtype.ts";
import { type Checked, errorDiagnostic } from "../../support/diagnostic.ts";
import { bytesOf, decodeElements, encodeElements, type FileTensor } from "./element_types.ts";

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

const descriptions: { readonly [descr: string]: DType } = {
  "<f4": "f32",
  "<f8": "f64",
  "<f2": "f16",
  "|i1": "i8",
  "|u1": "u8",
  "<i4": "i32",
  "<i8": "i64",
  "|b1": "bool",
};

/** `file` names the source in messages. */
export function parseNpy(bytes: Uint8Array, file: string): Checked<FileTensor> {
  const fail = (message: string, help?: string) => ({ diagnostics: [errorDiagnostic("npy", `${file}: ${message}`, { help })] });
  if (!magic.every((byte, i) => bytes[i] === byte)) return fail("this is no .npy file: it does not begin with \\x93NUMPY");
  const [major = 0, minor = 0] = bytes.subarray(6, 8);
  if (bytes.length < 8 || major < 1 || major > 3 || minor !== 0)
    return fail(`version ${major}.${minor} of the format is not 1.0, 2.0 or 3.0`);
  const lengthBytes = major === 1 ? 2 : 4;
  const start = 8 + lengthBytes;
  if (bytes.length < start) return fail("the file ends inside its header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (bytes.length - start < headerLength) {
    return fail(`the file ends inside its header: ${headerLength} bytes are announced and ${bytes.length - start} are there`);
  }
  const headerBytes = bytes.subarray(start, start + headerLength);
  const header = parseHeader(new TextDecoder(major === 3 ? "utf-8" : "latin1").decode(headerBytes));
  if (typeof header === "string") return fail(header);
  const dtype = Object.hasOwn(descriptions, header.descr) ? descriptions[header.descr] : undefined;
  if (!dtype) return fail(`elements of type ${header.descr} cannot be read`, helpForType(header.descr));
  if (header.fortran && header.shape.length > 1) {
    return fail("the array is in Fortran order", "save it in C order: np.save(path, np.ascontiguousarray(x))");
  }
  const count = elementCount(header.shape);
  const data = bytes.subarray(start + headerLength);
  const wanted = count * bytesOf(dtype);
  const described = `${dtype}[${header.shape.join(", ")}] takes ${wanted} bytes and ${data.length} follow the header`;
  if (data.length < wanted) return fail(`the file is truncated: ${described}`);
  if (data.length > wanted) return fail(`the file is longer than its array: ${described}`);
  const decoded = decodeElements(data, dtype, count);
  if ("problem" in decoded) return fail(decoded.problem);
  return { value: { dtype, shape: header.shape, values: decoded.values }, diagnostics: [] };
}

/** Version 1.0, with the data at a multiple of 64 bytes, as NumPy writes it. */
export function formatNpy(type: TensorType, values: ArrayLike<number>): Uint8Array {
  const descr = Object.entries(descriptions).find(([, dtype]) => dtype === type.dtype)?.[0] ?? "<f8";
  const shape = type.shape.length === 1 ? `(${type.shape[0]},)` : `(${type.shape.join(", ")})`;
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`;
  const total = Math.ceil((10 + text.length + 1) / 64) * 64;
  const header = `${text.padEnd(total - 11)}\n`;
  const data = encodeElements(values, type.dtype);
  const bytes = new Uint8Array(total + data.length);
  bytes.set([...magic, 1, 0, header.length & 0xff, header.length >> 8]);
  bytes.set(new TextEncoder().encode(header), 10);
  bytes.set(data, total);
  return bytes;
}

type Header = { readonly descr: string; readonly fortran: boolean; readonly shape: readonly number[] };

/** The header is a Python dictionary with exactly these three keys, in any order. A text says what is wrong. */
function parseHeader(text: string): Header | string {
  const body = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1];
  if (body === undefined) return "the header is no Python dictionary";
  if (/'descr'\s*:\s*\[/.test(body)) return "the array has named fields; save one plain array";
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(body)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(body)?.[1];
  const extents = /'shape'\s*:\s*\(([^)]*)\)/.exec(body)?.[1];
  const missing = Object.entries({ descr, fortran_order: order, shape: extents }).find(([, value]) => value === undefined);
  if (descr === undefined || order === undefined || extents === undefined) return `the header gives no ${missing?.[0]}`;
  const parts = extents.split(",").map((part) => part.trim());
  if (parts.at(-1) === "") parts.pop();
  const shape = parts.map((part) => (/^\d+$/.test(part) ? Number(part) : Number.NaN));
  if (!shape.every(Number.isSafeInteger) || !Number.isSafeInteger(elementCount(shape))) return `(${extents}) is no shape`;
  return { descr, fortran: order === "True", shape };
}

function helpForType(descr: string): string {
  if (descr.startsWith(">")) return "the file is big-endian; save it with x.astype(x.dtype.newbyteorder('<'))";
  if (/O|U|S|V|M|m/.test(descr)) return "save numbers: np.save(path, x.astype(np.float32))";
  return `convert it first, for example x.astype(np.float32); readable are ${Object.values(descriptions).join(", ")}`;
}
