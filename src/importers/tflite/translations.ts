/** All operators of TensorFlow Lite that are imported. */
import type { Translate } from "./net.ts";
import { convolutions } from "./translations/convolution.ts";
import { elementwise } from "./translations/elementwise.ts";
import { movement } from "./translations/movement.ts";
import { reductions } from "./translations/reductions.ts";

export const translations: { readonly [operator: string]: Translate } = { ...convolutions, ...elementwise, ...movement, ...reductions };
