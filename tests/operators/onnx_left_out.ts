/**
 * ONNX's cases that are not run, with the reason. Those whose reason is in `outside` are of kinds that the importer leaves out
 * altogether; the rest must be at most one in twenty.
 */
export const outside = {
  data: "the shape of the result depends on the data",
  training: "training",
} as const;

export const leftOut: { readonly [name: string]: string } = {
  test_nonmaxsuppression_center_point_box_format: outside.data,
  test_nonmaxsuppression_identical_boxes: outside.data,
  test_nonmaxsuppression_iou_threshold_boundary: outside.data,
  test_nonmaxsuppression_limit_output_size: outside.data,
  test_nonmaxsuppression_suppress_by_IOU: outside.data,
  test_nonmaxsuppression_suppress_by_IOU_and_scores: outside.data,
  test_nonmaxsuppression_two_batches: outside.data,
  test_nonmaxsuppression_two_classes: outside.data,
  test_batchnorm_epsilon_training_mode: outside.training,
  test_batchnorm_example_training_mode: outside.training,
  test_training_dropout_default: outside.training,
  test_training_dropout_default_mask: outside.training,
  test_training_dropout_mask: outside.training,
};
