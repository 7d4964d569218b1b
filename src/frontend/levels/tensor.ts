/** parseTensor: the tensor level's text; see `src/ir/print_tensor.ts`. */
import type { DType } from "../../ir/dtype.ts";
import type { Compute } from "../../ir/expr.ts";
import type { Group, TensorProgram } from "../../ir/tensor.ts";
import type { Checked } from "../../support/diagnostic.ts";
import { createShared, requireName, sharedItems, takeBraced, takeHeader, takeItems, takePhase } from "./buffers.ts";
import { parseCompute } from "./expr.ts";
import { type Cursor, createCursor, finish, recover, takeName } from "./tokens.ts";

export function parseTensor(text: string, file: string): Checked<TensorProgram> {
  const cursor = createCursor(text, file);
  if (!takeHeader(cursor, "tensor")) return { diagnostics: cursor.diagnostics };
  const shared = createShared();
  const groups: Group[] = [];
  takeItems(cursor, {
    ...sharedItems(cursor, shared),
    group: () => {
      groups.push(takeGroup(cursor, new Map(shared.buffers.map((buffer) => [buffer.name, buffer.dtype]))));
    },
  });
  const { inputs, outputs, buffers } = shared;
  const name = recover(cursor, () => requireName(cursor, shared.name));
  if (name === undefined) return { diagnostics: cursor.diagnostics };
  return finish(cursor, { name, buffers, groups, inputs, outputs });
}

function takeGroup(cursor: Cursor, buffers: ReadonlyMap<string, DType>): Group {
  const name = takeName(cursor);
  const phase = takePhase(cursor);
  const inner = new Map<string, DType>();
  const computes: Compute[] = [];
  takeBraced(cursor, () => {
    const compute = parseCompute(cursor, {
      dtype: (tensor) => inner.get(tensor) ?? buffers.get(tensor),
      names: () => [...inner.keys(), ...buffers.keys()],
    });
    inner.set(compute.name, compute.dtype);
    computes.push(compute);
  });
  return { name, phase, computes };
}
