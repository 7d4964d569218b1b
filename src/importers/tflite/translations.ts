/** All operators of TensorFlow Lite that are imported. */
import { leftOut } from "../outside.ts";
import type { Translate } from "./net.ts";
import { convolutions } from "./translations/convolution.ts";
import { elementwise } from "./translations/elementwise.ts";
import { movement } from "./translations/movement.ts";
import { reductions } from "./translations/reductions.ts";

export const translations: { readonly [operator: string]: Translate } = { ...convolutions, ...elementwise, ...movement, ...reductions };

/** Operators that the importer leaves out, with the reason. */
export const outside: { readonly [operator: string]: string } = leftOut({
  recurrent:
    "LSTM RNN SVDF UNIDIRECTIONAL_SEQUENCE_RNN UNIDIRECTIONAL_SEQUENCE_LSTM BIDIRECTIONAL_SEQUENCE_RNN BIDIRECTIONAL_SEQUENCE_LSTM REVERSE_SEQUENCE",
  strings: "LSH_PROJECTION SKIP_GRAM",
  tables:
    "EMBEDDING_LOOKUP HASHTABLE_LOOKUP CONCAT_EMBEDDINGS EMBEDDING_LOOKUP_SPARSE HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE",
  controlFlow: "CALL CALL_ONCE IF WHILE",
  variables: "VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE",
  dataDependent: "UNIQUE WHERE NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5",
  random: "RANDOM_STANDARD_NORMAL RANDOM_UNIFORM MULTINOMIAL",
  signals: "RFFT2D IMAG REAL COMPLEX_ABS",
  ragged: "SPARSE_TO_DENSE DENSIFY",
  code: "CUSTOM DELEGATE PLACEHOLDER_FOR_GREATER_OP_CODES",
  rare: "FAKE_QUANT MATRIX_DIAG MATRIX_SET_DIAG BROADCAST_ARGS BUCKETIZE DYNAMIC_UPDATE_SLICE BITCAST SEGMENT_SUM UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM UNSORTED_SEGMENT_MIN",
});
