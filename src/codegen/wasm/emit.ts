/** emitWasm: kernels as a WebAssembly module, through binaryen. Addresses of buffers are arguments of the kernels and constants of the calls. */
import binaryen from "binaryen";
import type { Kernel, KernelCall, KernelProgram, KernelStatement, KernelType } from "../../ir/kernel.ts";
import { invariant, unreachable } from "../../support/invariant.ts";
import { type Emitter, emitExpr, storeElement } from "./emit_expr.ts";
import { addHelpers } from "./helpers.ts";
import type { Ref } from "./spelling.ts";

export type EmitOptions = {
  /** Fused or unfused multiply-add, the engine's choice; an engine without relaxed SIMD rejects the module. */
  readonly relaxed: boolean;
  /**
   * `run`: what ships. `weights`: only `build()`, which computes derived weights. `build`: both. `steps`: every call on its own,
   * `step0`, `step1`, ...
   */
  readonly calls: "run" | "weights" | "build" | "steps";
};

export type EmittedModule = { readonly bytes: Uint8Array; text(): string };

const pageBytes = 65536;

export function emitWasm(program: KernelProgram, options: EmitOptions): EmittedModule {
  const module = new binaryen.Module();
  try {
    fillModule(module, program, options);
    const bytes = module.emitBinary();
    return { bytes, text: () => textOf(bytes, program) };
  } finally {
    module.dispose();
  }
}

/** The WAT of an emitted module, each function under its kernel's trace. */
function textOf(bytes: Uint8Array, program: KernelProgram): string {
  const module = binaryen.readBinary(bytes);
  try {
    const traces = program.kernels.map((kernel) => `;; ${kernel.name}${kernel.trace.length > 0 ? `: ${kernel.trace.join("; ")}` : ""}`);
    return `${traces.join("\n")}\n${module.emitText()}`;
  } finally {
    module.dispose();
  }
}

function fillModule(module: binaryen.Module, program: KernelProgram, { relaxed, calls }: EmitOptions): void {
  const features = binaryen.Features.SIMD128 | binaryen.Features.NontrappingFPToInt;
  module.setFeatures(relaxed ? features | binaryen.Features.RelaxedSIMD : features);
  const bytes = calls === "run" ? program.runBytes : program.buildBytes;
  const pages = Math.max(1, Math.ceil(bytes / pageBytes));
  module.setMemory(pages, pages, "memory");
  const only = calls === "run" ? "run" : calls === "weights" ? "build" : undefined;
  const made = program.calls.filter((call) => only === undefined || call.phase === only);
  const used = new Set(made.map((call) => call.kernel));
  const helpers = addHelpers(module);
  for (const kernel of program.kernels) if (used.has(kernel.name)) addKernel(module, kernel, relaxed, helpers);
  const offsets = new Map(program.placements.map((placement) => [placement.buffer, placement.offset]));
  const emitCall = (call: KernelCall): Ref => {
    const args = call.arguments.map((buffer) => module.i32.const(offsets.get(buffer) ?? 0));
    return module.call(functionName(call.kernel), args, binaryen.none);
  };
  const phase = (name: KernelCall["phase"]) => made.filter((call) => call.phase === name).map(emitCall);
  if (calls === "steps") for (const [i, call] of made.entries()) exportFunction(module, `step${i}`, [emitCall(call)]);
  else {
    if (calls !== "weights") exportFunction(module, "run", phase("run"));
    if (calls !== "run") exportFunction(module, "build", phase("build"));
  }
  helpers.finish();
}

function exportFunction(module: binaryen.Module, name: string, body: readonly Ref[]): void {
  module.addFunction(name, binaryen.none, binaryen.none, [], module.block(null, body, binaryen.none));
  module.addFunctionExport(name, name);
}

function functionName(kernel: string): string {
  return `kernel ${kernel}`;
}

export const wasmTypes: { readonly [type in KernelType]: number } = {
  i32: binaryen.i32,
  f32: binaryen.f32,
  f64: binaryen.f64,
  i32x4: binaryen.v128,
  f32x4: binaryen.v128,
};

function addKernel(module: binaryen.Module, kernel: Kernel, relaxed: boolean, helpers: Emitter["helpers"]): void {
  const locals = new Map<string, { index: number; type: KernelType }>();
  const types: number[] = [];
  const declare = (name: string, type: KernelType) => {
    if (locals.has(name)) return;
    locals.set(name, { index: kernel.parameters.length + types.length, type });
    types.push(wasmTypes[type]);
  };
  declareLocals(kernel.body, declare);
  const bases = new Map(kernel.parameters.map((parameter, i) => [parameter.name, i]));
  const emitter: Emitter = {
    module,
    relaxed,
    helpers,
    local: (name) => {
      const local = locals.get(name);
      invariant(local, `register ${name} is never set in kernel ${kernel.name}`);
      return module.local.get(local.index, wasmTypes[local.type]);
    },
    base: (buffer) => {
      const index = bases.get(buffer);
      invariant(index !== undefined, `kernel ${kernel.name} has no parameter ${buffer}`);
      return module.local.get(index, binaryen.i32);
    },
  };
  const set = (name: string, value: Ref) => module.local.set(locals.get(name)?.index ?? -1, value);
  let labels = 0;
  const block = (statements: readonly KernelStatement[]): Ref => module.block(null, statements.map(emit), binaryen.none);
  const body = block(kernel.body);
  const parameters = binaryen.createType(kernel.parameters.map(() => binaryen.i32));
  module.addFunction(functionName(kernel.name), parameters, binaryen.none, types, body);

  function emit(statement: KernelStatement): Ref {
    switch (statement.kind) {
      case "set":
        return set(statement.name, emitExpr(statement.value, emitter));
      case "store":
        return storeElement(statement, emitter);
      case "if": {
        const condition = emitExpr(statement.condition, emitter);
        if (statement.otherwise.length === 0) return module.if(condition, block(statement.whenTrue));
        return module.if(condition, block(statement.whenTrue), block(statement.otherwise));
      }
      case "for": {
        const label = `loop${labels++}`;
        const next = module.i32.add(emitter.local(statement.name), module.i32.const(1));
        const more = module.i32.lt_u(emitter.local(statement.name), module.i32.const(statement.extent));
        return module.block(null, [
          set(statement.name, module.i32.const(0)),
          module.loop(
            label,
            module.block(null, [block(statement.body), set(statement.name, next), module.br_if(label, more)], binaryen.none),
          ),
        ]);
      }
      case "barrier":
        throw new Error(`internal error: kernel ${kernel.name} has a barrier, and one thread runs it`);
      default:
        return unreachable(statement);
    }
  }
}

function declareLocals(statements: readonly KernelStatement[], declare: (name: string, type: KernelType) => void): void {
  for (const statement of statements) {
    if (statement.kind === "set") declare(statement.name, statement.type);
    else if (statement.kind === "for") {
      declare(statement.name, "i32");
      declareLocals(statement.body, declare);
    } else if (statement.kind === "if") {
      declareLocals(statement.whenTrue, declare);
      declareLocals(statement.otherwise, declare);
    }
  }
}
