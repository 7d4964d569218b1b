/** All operators of TensorFlow graphs that are imported. */
import { leftOut } from "../outside.ts";
import type { Translate } from "./net.ts";
import { elementwise } from "./translations/elementwise.ts";
import { movement } from "./translations/movement.ts";
import { windowed } from "./translations/windowed.ts";

export const translations: { readonly [operator: string]: Translate } = { ...windowed, ...elementwise, ...movement };

/** Operators that the runtime has and the importer leaves out, with the reason. */
export const outside: { readonly [operator: string]: string } = leftOut({
  controlFlow: "Enter Exit If LoopCond Merge NextIteration StatelessIf StatelessWhile Switch While",
  sequences:
    "EmptyTensorList TensorArrayCloseV3 TensorArrayConcatV3 TensorArrayGatherV3 TensorArrayReadV3 TensorArrayScatterV3 TensorArraySizeV3 TensorArraySplitV3 TensorArrayV3 TensorArrayWriteV3 TensorListConcat TensorListConcatV2 TensorListFromTensor TensorListGather TensorListGetItem TensorListLength TensorListPopBack TensorListPushBack TensorListReserve TensorListResize TensorListScatter TensorListScatterV2 TensorListSetItem TensorListSplit TensorListStack",
  tables:
    "HashTable HashTableV2 InitializeTable InitializeTableV2 LookupTableFind LookupTableFindV2 LookupTableImport LookupTableImportV2 LookupTableSize LookupTableSizeV2",
  strings: "StaticRegexReplace StringNGrams StringSplit StringToHashBucketFast",
  random: "Multinomial RandomStandardNormal RandomUniform RandomUniformInt TruncatedNormal",
  dataDependent: "ListDiff NonMaxSuppressionV2 NonMaxSuppressionV3 NonMaxSuppressionV4 NonMaxSuppressionV5 Unique UniqueV2 Where",
  signals: "Complex ComplexAbs FFT IFFT IRFFT Imag RFFT Real",
  ragged:
    "RaggedGather RaggedRange RaggedTensorToTensor SparseFillEmptyRows SparseReshape SparseSegmentMean SparseSegmentSum SparseToDense",
  code: "NoOp Print SimpleMLCreateModelResource SimpleMLInferenceOpWithHandle SimpleMLLoadModelFromPathWithHandle",
  rare: "Bincount BroadcastArgs Conv1D CropAndResize Cumprod DenseBincount Dilation2D Einsum FakeQuantWithMinMaxVars ImageProjectiveTransformV3 LinSpace LowerBound MatrixBandPart MaxPoolWithArgmax Reverse ShapeN TensorScatterUpdate UpperBound",
});
