/** TensorFlow Lite files of one operator, made for a test. */
import { encodeElements } from "../../../src/cli/io/element_types.ts";
import { optionsFields, type TableValue, writeModel } from "../../../src/exporters/tflite/write.ts";
import { type BuiltinOperator, operatorNames } from "../../../src/formats/tflite/operators.ts";
import { type OptionsName, schemaVersion, tensorTypes } from "../../../src/formats/tflite/schema.ts";
import { tflite } from "../../../src/importers/tflite/importer.ts";
import type { ImportCase, Operand } from "./case.ts";

export type TfliteNode = {
  readonly operator: BuiltinOperator;
  /** What is special about it, where there are several. */
  readonly of?: string;
  /** Undefined for one that is left out. */
  readonly operands: readonly (Operand | undefined)[];
  readonly results: readonly Operand[];
  readonly options?: { readonly table: OptionsName; readonly value: TableValue };
  readonly tolerance?: number;
  readonly steps?: number;
};

/** The graph's inputs are the operands that are no constants, x0 and on; its outputs are the results, y0 and on. */
export function tfliteCase({ operator, of, operands, results, options, ...bounds }: TfliteNode): ImportCase {
  const tensors: TableValue[] = [];
  const buffers: TableValue[] = [{}];
  const inputs: number[] = [];
  const add = (operand: Operand, name: string): number => {
    const { dtype, shape, data, scale, zero = 0, axis = 0 } = operand;
    const scales = scale === undefined ? [] : typeof scale === "number" ? [scale] : scale;
    const quantization = { scale: scales, zero_point: scales.map(() => zero), quantized_dimension: axis };
    const buffer = operand.constant ? buffers.push({ data: encodeElements(data, dtype) }) - 1 : 0;
    const type = tensorTypes[dtype as keyof typeof tensorTypes];
    return tensors.push({ name, shape, type, buffer, ...(scales.length > 0 ? { quantization } : {}) }) - 1;
  };
  const places = operands.map((operand, i) => {
    if (!operand) return -1;
    const place = add(operand, operand.constant ? `c${i}` : `x${i}`);
    if (!operand.constant) inputs.push(place);
    return place;
  });
  const outputs = results.map((result, i) => add(result, `y${i}`));
  const code = operatorNames.indexOf(operator);
  const bytes = writeModel(
    {
      version: schemaVersion,
      operator_codes: [{ deprecated_builtin_code: Math.min(code, 127), version: 1, builtin_code: code }],
      subgraphs: [{ tensors, inputs, outputs, operators: [{ opcode_index: 0, inputs: places, outputs, ...optionsFields(options) }] }],
      description: "a test",
      buffers,
    },
    1024,
  );
  return {
    name: of === undefined ? operator : `${operator}, ${of}`,
    operators: [operator],
    importer: tflite,
    file: { path: `${operator.toLowerCase()}.tflite`, bytes },
    inputs: new Map(operands.flatMap((operand, i) => (operand && !operand.constant ? [[`x${i}`, operand] as const] : []))),
    expected: results,
    ...bounds,
  };
}
