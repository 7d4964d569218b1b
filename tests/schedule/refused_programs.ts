/** Programs whose layer `y` refuses steps: models, and loop programs as text. */

export const elementwise = "model m(x: f32[6, 10]) -> y: f32[6, 10] { relu(x) }";
export const matmul = "model m(x: f32[8, 16]) -> y: f32[8, 8] { matmul(x, @w: [16, 8] = he_normal) }";
export const convolution = "model m(x: f32[1, 8, 8, 3]) -> y: f32[1, 8, 8, 8] { conv2d(x, @k: [3, 3, 3, 8] = he_normal, pad: same) }";
export const products = "model m(x: f32[2, 5, 6], z: f32[2, 6, 8]) -> y: f32[2, 5, 8] { matmul(x, z) }";

export const interfaces = (outputs: string, buffers: string) => `quern loop 1
program m
arena 4096

inputs x
output y = ${outputs}

${buffers}
`;

/** Every element needs one of the row before, further right. */
export const skewed = `${interfaces("y", "input x: f32[8, 8] offset 0\ntemporary y: f32[8, 8] offset 256")}
nest y run -> y {
  for i in 7 {
    for j in 7 {
      y[i + 1, j] = y[i, j + 1] + x[i, j]
    }
  }
}
`;

/** Two loops of one name, one after the other. */
export const twins = `${interfaces("y", "input x: f32[8] offset 0\ntemporary y: f32[8] offset 256")}
nest y run -> y {
  for i in 4 {
    y[i] = x[i]
  }
  for i in 4 {
    y[i + 4] = x[i]
  }
}
`;

/** A loop stands where a part of a split would. */
export const taken = `${interfaces("y", "input x: f32[8, 8] offset 0\ntemporary y: f32[8, 8] offset 256")}
nest y run -> y {
  for i in 8 {
    for i.o in 8 {
      y[i, i.o] = x[i, i.o]
    }
  }
}
`;

/** Computed in place, as the planner of memory makes them. */
export const inPlace = `${interfaces("y", "input x: f32[10] offset 0\ntemporary y: f32[10] offset 0")}
nest y run -> y {
  for i in 10 {
    y[i] = x[i] * x[i]
  }
}
`;

/** A reduction that lies across its operand. */
export const across = `${interfaces("y", "input x: f32[8, 8] offset 0\ntemporary y: f32[8, 8] offset 128")}
nest y run -> y {
  for i in 8 {
    for j in 8 unroll {
      for k in 8 {
        y[i, j] = reduce sum over k into acc: f32 {
          value x[i, k]
          finish acc
        }
      }
    }
  }
}
`;

export const gathered = `${interfaces("y", "input x: f32[8] offset 0\nweight w: f32[8]\nweight order: i32[8]\ntemporary y: f32[8] offset 256")}
nest y run -> y {
  for i in 8 {
    y[i] = x[i] * w[order[i]]
  }
}
`;

export const twice = `${interfaces("y", "input x: f32[8, 8] offset 0\nweight w: f32[8, 8]\ntemporary y: f32[8, 8] offset 256")}
nest y run -> y {
  for i in 8 {
    for j in 8 {
      y[i, j] = w[i, j] * w[j, i]
    }
  }
}
`;

/** A guard that asks memory stands between the loops. */
export const guarded = `${interfaces("y", "input x: f32[8, 8] offset 0\ntemporary y: f32[8, 8] offset 256")}
nest y run -> y {
  for i in 8 {
    if x[i, 0] > 0 {
      for j in 8 {
        y[i, j] = x[i, j]
      }
    }
  }
}
`;

export const accumulated = `${interfaces("y", "input x: f32[10, 10] offset 0\ntemporary y: f32[10] offset 512")}
nest y run -> y {
  for i in 10 {
    for j in 10 {
      y[i] += x[i, j]
    }
  }
}
`;

/** What the second loop needs, the first has written. */
export const following = `${interfaces("y", "input x: f32[8] offset 0\ntemporary y: f32[8] offset 256")}
nest y run -> y {
  for i in 8 {
    y[i] = x[i]
  }
  for j in 8 {
    y[j] = y[j] + y[j]
  }
}
`;

export const empty = `${interfaces("y", "input x: f32[8, 0] offset 0\ntemporary y: f32[8, 0] offset 256")}
nest y run -> y {
  for i in 8 {
    for j in 0 {
      y[i, j] = x[i, j]
    }
  }
}
`;

export const separable = `model m(x: f32[1, 6, 6, 4]) -> y: f32[1, 6, 6, 8] {
  let a = depthwise_conv2d(x, @k: [3, 3, 4, 1] = he_normal, pad: same)
  conv2d(a, @w: [1, 1, 4, 8] = he_normal)
}`;
export const chain =
  "model m(x: f32[8]) -> y: f32[8] {\n  let a = tanh(x)\n  cumulative_like(a)\n}\nop cumulative_like(x: [n]) -> y: [n] { y[i] = sum(t in 3) (x[i + t - 1] else 0) }";
export const builtOnce = "model m(x: f32[4, 8]) -> y: f32[4, 8] {\n  let s = reduce_sum(@w: [16, 8] = he_normal, axes: [0])\n  x * s\n}";

/** Nests of `a` and of `y`, one after the other. */
export const producing = (a: string, y: string, buffers = "temporary a: f32[8]") => `quern loop 1
program m
arena 0

inputs x
output y = y

input x: f32[8]
${buffers}
temporary y: f32[8]

nest a run -> a {
  ${a}
}

${y}
`;
export const doubled = "for p in 8 {\n    a[p] = x[p] * 2\n  }";
export const consuming = (body: string) => `nest y run -> y {\n  ${body}\n}`;
export const sumOfA = "for i in 8 {\n    y[i] = a[i] + 1\n  }";
/** What `a` is made of is overwritten by `z`, and by `y` itself. */
export const lost = producing(
  "for p in 8 {\n    a[p] = b[p] * 2\n  }",
  `nest z run -> z {\n  for q in 8 {\n    z[q] = b[q] + 1\n  }\n}\n\n${consuming("for i in 8 {\n    y[i] = a[i] * z[i]\n  }")}`,
  "temporary b: f32[8]\ntemporary a: f32[8]\ntemporary z: f32[8] overwrites b",
).replace("nest a run", "nest b run -> b {\n  for o in 8 {\n    b[o] = x[o]\n  }\n}\n\nnest a run");
export const lostHere = producing(
  "for p in 8 {\n    a[p] = b[p] * 2\n  }",
  consuming("for i in 8 {\n    y[i] = a[i] * b[i]\n  }"),
  "temporary b: f32[8]\ntemporary a: f32[8]",
)
  .replace("nest a run", "nest b run -> b {\n  for o in 8 {\n    b[o] = x[o]\n  }\n}\n\nnest a run")
  .replace("temporary y: f32[8]", "temporary y: f32[8] overwrites b");
export const twoStatements = producing("for p in 4 {\n    a[p] = x[p]\n    a[p + 4] = x[p]\n  }", consuming(sumOfA));
export const operationsOf = (tensor: string, count: number) => Array.from({ length: count }, () => `${tensor}[i]`).join(" + ");
