/** All operators of TensorFlow graphs that are imported. */
import type { Translate } from "./net.ts";
import { elementwise } from "./translations/elementwise.ts";
import { movement } from "./translations/movement.ts";
import { windowed } from "./translations/windowed.ts";

export const translations: { readonly [operator: string]: Translate } = { ...windowed, ...elementwise, ...movement };
