/** Mistakes in the importers. */
import type { Fault, Test } from "./fault.ts";

const cases = (name: string): readonly Test[] => [{ path: "tests/importers/cases.test.ts", name }];

export const importFaults: readonly Fault[] = [
  {
    name: "an axis from the end of a TensorFlow Lite tensor counts from its beginning",
    file: "src/importers/tflite/translations/reductions.ts",
    find: "(axis < 0 ? axis + rank : axis)",
    replace: "Math.abs(axis)",
    caughtBy: cases("TensorFlow Lite"),
  },
  {
    name: "the paddings of a TensorFlow Lite tensor are taken as all before, then all after",
    file: "src/importers/tflite/translations/movement.ts",
    find: `const value = filled ?? (steps ? stepOf(steps).zero : 0);`,
    replace: `around.splice(0, around.length, ...amounts);\n  const value = filled ?? (steps ? stepOf(steps).zero : 0);`,
    caughtBy: cases("TensorFlow Lite PAD"),
  },
  {
    name: "a quantised convolution forgets the zero point of its image",
    file: "src/importers/tflite/translations/convolution.ts",
    find: "...(xs.zeros[0] ? { x_zero: xs.zeros[0] } : {}),",
    replace: "",
    caughtBy: cases("TensorFlow Lite CONV_2D"),
  },
  {
    name: "a quantised convolution has the limits of another activation",
    file: "src/importers/tflite/activation.ts",
    find: "[activations.relu6, [0, 6]],",
    replace: "[activations.relu6, [0, 1]],",
    caughtBy: cases("TensorFlow Lite CONV_2D"),
  },
  {
    name: "the filters of a TensorFlow Lite convolution are its rows",
    file: "src/importers/tflite/translations/convolution.ts",
    find: "layer(node, net, [1, 2, 3, 0], undefined,",
    replace: "layer(node, net, [2, 1, 3, 0], undefined,",
    caughtBy: cases("TensorFlow Lite CONV_2D"),
  },
  {
    name: "constants of TensorFlow Lite become real numbers without their zero point",
    file: "src/importers/tflite/net.ts",
    find: "return (q - (zeros[place] ?? 0)) * Math.fround(scales[place] ?? 1);",
    replace: "return q * Math.fround(scales[place] ?? 1);",
    caughtBy: cases("TensorFlow Lite DEQUANTIZE"),
  },
  {
    name: "a Keras normalisation has TensorFlow's epsilon instead of its own",
    file: "src/importers/keras/layers.ts",
    find: 'const epsilon = layer.number("epsilon", 1e-3);',
    replace: "const epsilon = 1e-3;",
    caughtBy: cases("Keras BatchNormalization"),
  },
  {
    name: "a Keras layer with its channels first is computed with them last",
    file: "src/importers/keras/spatial.ts",
    find: "if (!isFirst) return build(x, layer, rank);",
    replace: "if (!isFirst || rank === 2) return build(x, layer, rank);",
    caughtBy: cases("Keras Conv2D"),
  },
  {
    name: "the odd element of a Keras transposed convolution is cut before",
    file: "src/importers/keras/spatial.ts",
    find: "(isSame ? Math.floor(Math.max(total + (given?.[d] ?? 0), 0) / 2) : 0)",
    replace: "(isSame ? Math.ceil(Math.max(total + (given?.[d] ?? 0), 0) / 2) : 0)",
    caughtBy: cases("Keras Conv.DTranspose"),
  },
  {
    name: "a matrix of TensorFlow.js that is stored transposed is taken as it lies",
    file: "src/importers/tfjs/translations/windowed.ts",
    find: 'return node.flag(flag) ? net.call("transpose", [value], { order }) : value;',
    replace: 'return node.flag(flag) && value.type.shape.length > 2 ? net.call("transpose", [value], { order }) : value;',
    caughtBy: cases("TensorFlow.js MatMul"),
  },
  {
    name: "the explicit paddings of TensorFlow.js are swapped",
    file: "src/importers/tfjs/translations/windowed.ts",
    find: "{ pad: [top, left, bottom, right] }",
    replace: "{ pad: [left, top, right, bottom] }",
    caughtBy: cases("TensorFlow.js Conv2D"),
  },
  {
    name: "the alpha of a response normalisation is divided by the size of its window",
    file: "src/importers/tfjs/translations/windowed.ts",
    find: 'alpha: shortest(node.number("alpha", 1)) * size,',
    replace: 'alpha: shortest(node.number("alpha", 1)),',
    caughtBy: cases("TensorFlow.js LRN"),
  },
  {
    name: "weights of TensorFlow.js in 8 bits lose their least value",
    file: "src/importers/tfjs/manifest.ts",
    find: 'wanted === "f32" ? step * scale + min :',
    replace: 'wanted === "f32" ? step * scale :',
    caughtBy: [{ path: "tests/importers/tfjs.test.ts" }],
  },
  {
    name: "a bias of another scale is added to the products of integers as it is",
    file: "src/importers/onnx/integer_products.ts",
    find: "if (!(Math.abs(given - wanted) <= wanted * 2 ** -22)) return undefined;",
    replace: "if (!(given > 0 && wanted > 0)) return undefined;",
    caughtBy: [{ path: "tests/importers/onnx_integers.test.ts" }],
  },
  {
    name: "a product of computed integers is taken to be as small as its first factor",
    file: "src/importers/onnx/wide_integers.ts",
    find: "return a && b && hull(a.flatMap((x) => b.map((y) => x * y)));",
    replace: "return a && b && a;",
    caughtBy: [{ path: "tests/importers/onnx.test.ts" }],
  },
  {
    name: "the limits of an activation before integers leave out the zero point",
    file: "src/importers/onnx/integer_products.ts",
    find: "nearest(Math.fround(value / scale)) + zero));",
    replace: "nearest(Math.fround(value / scale))));",
    caughtBy: [{ path: "tests/importers/onnx_integers.test.ts" }],
  },
];
