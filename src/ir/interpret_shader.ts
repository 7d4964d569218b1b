/**
 * The interpreter of shaders: the build's kernels, then every dispatch in order. The invocations of a workgroup take each statement
 * together, those for whom a branch is not taken waiting, which is one of the orders that a device may choose; workgroups follow each other.
 */
import { invariant } from "../support/invariant.ts";
import { dtypes } from "./dtype.ts";
import { compileExpr, compileStore, type EvaluationContext, interpretKernel, operationOn, registerOf, scalar } from "./interpret_kernel.ts";
import type { KernelStatement } from "./kernel.ts";
import { accumulateFunctions } from "./loop.ts";
import { readElement, writeElement } from "./memory_element.ts";
import { type Dispatch, gridOf, type Shader, type ShaderPlacement, type ShaderProgram, shaderOn, weightsArena } from "./shader.ts";
import { type RaceWatch, watchRaces } from "./watch_races.ts";

/**
 * Every buffer as it was after the last dispatch that wrote it, with its border; `given` holds inputs by name and weights by path, and
 * the device has subgroups of at least so many invocations.
 */
export function interpretShader(
  program: ShaderProgram,
  given: ReadonlyMap<string, Float64Array>,
  subgroupSize = 0,
): Map<string, Float64Array> {
  const arenas = new Map(program.arenas.map(({ name, bytes }) => [name, new DataView(new ArrayBuffer(bytes))]));
  const placements = new Map(program.placements.map((placement) => [placement.buffer, placement]));
  const shaders = new Map(program.shaders.map((shader) => [shader.name, shader]));
  const results = new Map<string, Float64Array>();
  const memoryOf = ({ arena }: ShaderPlacement): DataView => {
    const memory = arenas.get(arena);
    invariant(memory, `there is no arena ${arena}`);
    return memory;
  };
  const record = (name: string) => {
    const placement = placements.get(name);
    if (!placement) return;
    const { dtype, offset, bytes } = placement;
    const size = dtypes[dtype].bytes;
    const values = Float64Array.from({ length: bytes / size }, (_, i) => readElement(memoryOf(placement), offset + i * size, dtype));
    results.set(name, values);
  };
  const fill = (name: string, values: Float64Array | undefined) => {
    const placement = placements.get(name);
    invariant(placement && values, `no ${placement ? "values" : "place"} for ${name}`);
    const { dtype, offset } = placement;
    values.forEach((value, i) => {
      writeElement(memoryOf(placement), offset + i * dtypes[dtype].bytes, dtype, value);
    });
    record(name);
  };
  const built = interpretKernel(program.build, given);
  for (const { buffer, arena } of program.placements) if (arena === weightsArena) fill(buffer, built.get(buffer));
  for (const name of program.inputs) fill(name, given.get(name));
  for (const dispatch of program.dispatches) {
    const shader = shaderOn(dispatch, shaders, subgroupSize);
    invariant(shader, `no shader ${dispatch.shader}`);
    runDispatch(shader, dispatch, placements, memoryOf);
    dispatch.arguments.forEach((name, i) => {
      if (shader.parameters[i]?.writes) record(name);
    });
  }
  for (const name of placements.keys()) if (!results.has(name)) record(name);
  return results;
}

/** Memory that an access goes to: a stretch of an arena, or an array. */
type Stretch = { readonly memory: DataView; readonly begin: number; readonly bytes: number; readonly watch?: RaceWatch };

/** The invocations that run together, each with registers of its own, and the watches over what they share. */
type Workgroup = { readonly shader: string; readonly contexts: readonly EvaluationContext[]; readonly watches: readonly RaceWatch[] };

function runDispatch(
  shader: Shader,
  dispatch: Dispatch,
  placements: ReadonlyMap<string, ShaderPlacement>,
  memoryOf: (placement: ShaderPlacement) => DataView,
): void {
  const stretches = new Map<string, Stretch>();
  shader.parameters.forEach(({ name }, i) => {
    const placement = placements.get(dispatch.arguments[i] ?? "");
    invariant(placement, `the dispatch of ${shader.name} gives nothing for ${name}`);
    // A binding has whole vectors: the last one may be read with what lies beside it.
    stretches.set(name, { memory: memoryOf(placement), begin: placement.offset, bytes: Math.ceil(placement.bytes / 16) * 16 });
  });
  addArrays("workgroup", shader, stretches);
  const coordinates = gridOf(shader);
  const [gridAxes, localAxes] = [coordinates.slice(0, 3), coordinates.slice(3)];
  const invocations = pointsOf(localAxes.map((axis) => axis.extent)).map((point, invocation) => {
    const own = new Map(stretches);
    addArrays("private", shader, own);
    const context = contextOf(shader, own, invocation);
    localAxes.forEach(({ register }, i) => {
      registerOf(register, context).value = point[i];
    });
    return context;
  });
  const watches = [...stretches.values()].flatMap(({ watch }) => watch ?? []);
  const run = compileTogether(shader.body, { shader: shader.name, contexts: invocations, watches });
  const everyone = invocations.map(() => true);
  for (const point of pointsOf(gridAxes.map((axis) => axis.extent))) {
    for (const context of invocations)
      gridAxes.forEach(({ register }, i) => {
        registerOf(register, context).value = point[i];
      });
    for (const watch of watches) watch.forget();
    run(everyone);
  }
}

function addArrays(space: "private" | "workgroup", { arrays }: Shader, stretches: Map<string, Stretch>): void {
  for (const { name, dtype, elements } of arrays.filter((array) => array.space === space)) {
    const bytes = elements * dtypes[dtype].bytes;
    const watch = space === "workgroup" ? { watch: watchRaces(name) } : {};
    stretches.set(name, { memory: new DataView(new ArrayBuffer(bytes)), begin: 0, bytes, ...watch });
  }
}

function contextOf(shader: Shader, stretches: ReadonlyMap<string, Stretch>, invocation: number): EvaluationContext {
  return {
    registers: new Map(),
    base(buffer) {
      throw new Error(`internal error: ${shader.name} asks where ${buffer} begins`);
    },
    locate({ kind, buffer, offset, dtype }, elements, address) {
      const stretch = stretches.get(buffer);
      invariant(stretch, `${shader.name} has no parameter ${buffer}`);
      const bytes = elements * dtypes[dtype].bytes;
      const at = () => {
        const from = (scalar(address()) + offset) * bytes;
        invariant(from >= 0 && from + bytes <= stretch.bytes, `${shader.name} accesses ${buffer} at byte ${from} of ${stretch.bytes}`);
        for (let i = 0; stretch.watch && i < elements; i++)
          stretch.watch.touch(from / dtypes[dtype].bytes + i, invocation, kind === "store");
        return stretch.begin + from;
      };
      return { memory: stretch.memory, at };
    },
  };
}

/** All points of a box, the first coordinate the fastest. */
function pointsOf(extents: readonly number[]): number[][] {
  return extents.reduceRight<number[][]>(
    (points, extent) => points.flatMap((point) => Array.from({ length: extent }, (_, i) => [i, ...point])),
    [[]],
  );
}

type Together = (active: readonly boolean[]) => void;

function compileTogether(statements: readonly KernelStatement[], workgroup: Workgroup): Together {
  const actions = statements.map((statement) => compileOne(statement, workgroup));
  return (active) => {
    for (const action of actions) action(active);
  };
}

function compileOne(statement: KernelStatement, workgroup: Workgroup): Together {
  const { shader, contexts, watches } = workgroup;
  switch (statement.kind) {
    case "set": {
      const sets = contexts.map((context) => {
        const value = compileExpr(statement.value, context);
        const register = registerOf(statement.name, context);
        return () => {
          register.value = value();
        };
      });
      return forActive(sets);
    }
    case "store":
      return forActive(contexts.map((context) => compileStore(statement, context)));
    case "for": {
      const counters = contexts.map((context) => registerOf(statement.name, context));
      const body = compileTogether(statement.body, workgroup);
      return (active) => {
        for (let i = 0; i < statement.extent; i++) {
          counters.forEach((counter, k) => {
            if (active[k]) counter.value = i;
          });
          body(active);
        }
      };
    }
    case "if": {
      const conditions = contexts.map((context) => compileExpr(statement.condition, context));
      const whenTrue = compileTogether(statement.whenTrue, workgroup);
      const otherwise = compileTogether(statement.otherwise, workgroup);
      return (active) => {
        const taken = conditions.map((condition, k) => active[k] === true && condition() !== 0);
        if (taken.includes(true)) whenTrue(taken);
        const left = active.map((isActive, k) => isActive && !taken[k]);
        if (left.includes(true)) otherwise(left);
      };
    }
    case "barrier":
      return (active) => {
        invariant(!active.includes(false), `${shader} has a barrier that not every invocation gets to`);
        for (const watch of watches) watch.forget();
      };
    case "subgroup": {
      const values = contexts.map((context) => compileExpr(statement.value, context));
      const combine = operationOn(accumulateFunctions[statement.op], statement.type);
      const registers = contexts.map((context) => registerOf(statement.name, context));
      return (active) => {
        invariant(!active.includes(false), `${shader} has a subgroup that not every invocation is in`);
        const total = values.map((value) => value()).reduce((sum, value) => combine(sum, value));
        for (const register of registers) register.value = total;
      };
    }
  }
}

function forActive(actions: readonly (() => void)[]): Together {
  return (active) => {
    actions.forEach((action, k) => {
      if (active[k]) action();
    });
  };
}
