/**
 * What a Quern source file declares, as the parser leaves it: operators, functions, models, rules,
 * sketches, schedules and compile-time definitions. One expression type serves compile-time arithmetic,
 * comprehensions, models and patterns; its meaning depends on where it stands.
 */
import type { Span } from "../support/diagnostic.ts";
import type { ReduceOp } from "./expr.ts";

export type BinaryOperator = "+" | "-" | "*" | "/" | "//" | "%" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "and" | "or";

export type Argument = { readonly name?: string; readonly value: Syntax };

/** `i in 0..n`, `i in n` (from 0), `i` (a dimension in scope), `...s` (a pack in scope), `...i in list` (one iterator per element). */
export type Binder = { readonly name: string; readonly spread: boolean; readonly range?: Syntax; readonly span: Span };

/** A name, or `[a, b]` taking a list apart. */
export type Pattern = { readonly names: readonly string[]; readonly list: boolean; readonly span: Span };

export type Syntax = { readonly span: Span } & (
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "name"; readonly name: string }
  /** `[a, ...b, c]` */
  | { readonly kind: "list"; readonly items: readonly Syntax[] }
  /** `(a, b)`: several tensors. */
  | { readonly kind: "tuple"; readonly items: readonly Syntax[] }
  /** `...e`, inside brackets or arguments. */
  | { readonly kind: "spread"; readonly value: Syntax }
  /** `e.0`, `e.name`, `e.(i)`: an element of a list, or a result of several. */
  | { readonly kind: "member"; readonly object: Syntax; readonly member: Syntax }
  | { readonly kind: "call"; readonly callee: string; readonly calleeSpan: Span; readonly arguments: readonly Argument[] }
  /** `x |> f(a)` is `f(x, a)`. */
  | { readonly kind: "pipe"; readonly value: Syntax; readonly call: Syntax }
  | { readonly kind: "negate" | "not"; readonly value: Syntax }
  | { readonly kind: "binary"; readonly operator: BinaryOperator; readonly left: Syntax; readonly right: Syntax }
  | { readonly kind: "if"; readonly condition: Syntax; readonly whenTrue: Syntax; readonly whenFalse: Syntax }
  /** `[for i in 0..n: e]` */
  | { readonly kind: "listFor"; readonly binder: Pattern; readonly range: Syntax; readonly body: Syntax }
  /** `a..b`: the integers from a up to but not including b. */
  | { readonly kind: "range"; readonly from: Syntax; readonly to: Syntax }
  /** `x[i, ...j]` */
  | { readonly kind: "access"; readonly tensor: Syntax; readonly indices: readonly Syntax[] }
  /** `x[i] else e`: what a read outside gives. */
  | { readonly kind: "else"; readonly read: Syntax; readonly otherwise: Syntax }
  /** `inside(x[i])` */
  | { readonly kind: "inside"; readonly access: Syntax }
  /** `sum(i, j in n where c) e`; the body extends over products: `sum(i) a * b + c` is `(sum(i) a * b) + c`. */
  | { readonly kind: "reduce"; readonly op: ReduceOp; readonly binders: readonly Binder[]; readonly where?: Syntax; readonly body: Syntax }
  /** `first(k in 0..n) e`: unrolled at compile time; the first of the reads `e` that is inside its tensor. */
  | { readonly kind: "first"; readonly binder: Binder; readonly body: Syntax }
  /** `@a.b[i].c`, optionally `: [shape] = initializer`: a weight, or a weight scope as an argument. */
  | { readonly kind: "weight"; readonly path: readonly WeightStep[]; readonly type?: TypeSyntax; readonly initializer?: Syntax }
);

export type WeightStep = { readonly kind: "name"; readonly name: string } | { readonly kind: "index"; readonly index: Syntax };

/** `f32[n, ...s, oh = h + 1]`; without a dtype, the dtype that all such types of the declaration share. */
export type TypeSyntax = { readonly dtype?: string; readonly dimensions: readonly DimensionSyntax[]; readonly span: Span };
export type DimensionSyntax = { readonly name?: string; readonly spread: boolean; readonly value?: Syntax; readonly span: Span };

/** A tensor parameter; `variadic` (`xs: [...s]*`) takes all remaining tensor arguments. */
export type TensorParameter = { readonly name: string; readonly type: TypeSyntax; readonly variadic: boolean; readonly span: Span };
/** A scope parameter of a function: `@w`. */
export type ScopeParameter = { readonly name: string; readonly span: Span };

export type AttributeType =
  | { readonly kind: "int" | "float" | "bool" | "string" | "dtype" }
  /** `int[2]`, `int[]`. */
  | { readonly kind: "list"; readonly of: "int" | "float" | "bool"; readonly length?: Syntax }
  /** A bare word that stands for itself: `same`. */
  | { readonly kind: "symbol"; readonly name: string };
/** `pad: int[4] | same = same`: the value has one of the types. */
export type AttributeParameter = {
  readonly name: string;
  readonly types: readonly AttributeType[];
  readonly default?: Syntax;
  readonly span: Span;
};

export type ResultParameter = { readonly name: string; readonly type?: TypeSyntax; readonly span: Span };

/** One line of a body. Which are allowed depends on the declaration; checking is the elaborator's. */
export type StatementSyntax = { readonly span: Span } /** `let a = e`, `let [a, b] = e`, `let (a, b) = e`. */ & (
  | { readonly kind: "let"; readonly pattern: Pattern; readonly value: Syntax }
  /** `a = e`: gives a result in an operator; gives an earlier `let` a new value in a model or function. */
  | { readonly kind: "assign"; readonly name: string; readonly value: Syntax }
  /** `y[i, ...j] = e` */
  | { readonly kind: "equation"; readonly result: string; readonly indices: readonly Syntax[]; readonly value: Syntax }
  | { readonly kind: "require"; readonly condition: Syntax; readonly message?: string }
  | { readonly kind: "for"; readonly binder: Pattern; readonly range: Syntax; readonly body: readonly StatementSyntax[] }
  | {
      readonly kind: "when";
      readonly condition: Syntax;
      readonly whenTrue: readonly StatementSyntax[];
      readonly otherwise: readonly StatementSyntax[];
    }
  /** A value on its own: a body's last line is its result. */
  | { readonly kind: "value"; readonly value: Syntax }
);

type Common = { readonly name: string; readonly nameSpan: Span; readonly documentation: string; readonly span: Span };

/** `def broadcast(s, t) = e`: a compile-time function. */
export type DefDeclaration = Common & { readonly kind: "def"; readonly parameters: readonly string[]; readonly body: Syntax };

/** One comprehension (its statements include equations), or an expansion into other operators. */
export type OpDeclaration = Common & {
  readonly kind: "op";
  readonly operands: readonly TensorParameter[];
  readonly attributes: readonly AttributeParameter[];
  /** `infix "+"` (or `prefix "-"`): the notation that stands for this operator in models, expansions and rules. */
  readonly notation?: { readonly fixity: "infix" | "prefix"; readonly symbol: string };
  readonly results: readonly ResultParameter[];
  readonly body: readonly StatementSyntax[];
};

/** A function over tensors, inlined where it is called. */
export type FnDeclaration = Common & {
  readonly kind: "fn";
  readonly operands: readonly TensorParameter[];
  readonly scopes: readonly ScopeParameter[];
  readonly attributes: readonly AttributeParameter[];
  readonly results: readonly ResultParameter[];
  readonly body: readonly StatementSyntax[];
};

export type ModelDeclaration = Common & {
  readonly kind: "model";
  readonly inputs: readonly TensorParameter[];
  readonly results: readonly ResultParameter[];
  readonly body: readonly StatementSyntax[];
};

/**
 * `rule name(x: [n, c], k: [c, f], s: [f]; axis: int): matmul(x, k) * s => matmul(x, k * s) where constant(k) reassociates`
 * Both sides mean the same for every choice of the parameters for which `where` holds.
 */
export type RuleDeclaration = Common & {
  readonly kind: "rule";
  /** The only target that it is for; without one, all. */
  readonly target?: string;
  readonly operands: readonly TensorParameter[];
  readonly attributes: readonly AttributeParameter[];
  readonly pattern: Syntax;
  readonly replacement: Syntax;
  readonly where?: Syntax;
  /** Where the right side is expected to be faster. With it the rule is a choice of algorithm, which a compile option may overrule. */
  readonly when?: Syntax;
  /** The values at which it may apply, by name: those of `only`, and none of `except`. Set where a call's algorithm is chosen, never by a text. */
  readonly at?: { readonly only?: ReadonlySet<string>; readonly except?: ReadonlySet<string> };
  readonly reassociates: boolean;
};

/**
 * A schedule step: `split ow by 4`, `stage y in registers at ow.o`, `let t = one_of(4, 8)`, `if c { ... } else { ... }`.
 * A clause is a keyword and what follows it; the first clause's keyword is the primitive's name.
 */
export type StepSyntax = { readonly span: Span } & (
  | {
      readonly kind: "step";
      readonly clauses: readonly { readonly keyword: string; readonly arguments: readonly Syntax[]; readonly span: Span }[];
    }
  | { readonly kind: "let"; readonly name: string; readonly value: Syntax }
  | { readonly kind: "if"; readonly condition: Syntax; readonly whenTrue: readonly StepSyntax[]; readonly whenFalse: readonly StepSyntax[] }
);

/**
 * `sketch name on wasm for sum(a * b) axis f = last parallel where uses(b, f) and not uses(a, f) { steps }`
 * binds to every computation of that structure.
 */
export type SketchDeclaration = Common & {
  readonly kind: "sketch";
  readonly target: string;
  /** `map`, `sum(a * b)`, `max(_)`: names in the body stand for reads, `_` for anything. */
  readonly structure: Syntax;
  /** `with a = sum(x * k)`: the operand `a` is computed by another nest, which has this structure. */
  readonly producer?: { readonly tensor: string; readonly structure: Syntax };
  readonly axes: readonly {
    readonly name: string;
    /** The producer's tensor, where it is a loop of the nest that computes that. */
    readonly of?: string;
    readonly which: "first" | "last";
    readonly kind: "parallel" | "reduction";
    readonly where?: Syntax;
    readonly optional: boolean;
    readonly span: Span;
  }[];
  readonly where?: Syntax;
  readonly steps: readonly StepSyntax[];
};

/** `schedule name on wasm for conv_2 { steps }`: a sketch with every knob turned, for the layer (SSA name) given. */
export type ScheduleDeclaration = Common & {
  readonly kind: "schedule";
  readonly target: string;
  readonly layer: string;
  readonly steps: readonly StepSyntax[];
};

export type Declaration =
  | DefDeclaration
  | OpDeclaration
  | FnDeclaration
  | ModelDeclaration
  | RuleDeclaration
  | SketchDeclaration
  | ScheduleDeclaration;

export type SourceFile = { readonly file: string; readonly declarations: readonly Declaration[] };
