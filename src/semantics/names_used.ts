/** The names and callees that an expression uses and does not bind itself; what they mean is for the caller to say. */
import type { Argument, StatementSyntax, Syntax, TypeSyntax } from "../ir/declaration.ts";
import type { Span } from "../support/diagnostic.ts";

export type Use = {
  readonly kind: "name" | "call";
  readonly name: string;
  readonly span: Span;
  /** The callee whose named argument this name is: it may be one of its words, such as `same`. */
  readonly argumentOf?: string;
  /** What else the name may have meant. */
  readonly inScope: ReadonlySet<string>;
};

export type Bound = ReadonlySet<string>;

export function bind(bound: Bound, names: Iterable<string>): Bound {
  return new Set([...bound, ...names]);
}

export function usesIn(syntax: Syntax, bound: Bound): Use[] {
  const all = (items: readonly Syntax[]) => items.flatMap((item) => usesIn(item, bound));
  switch (syntax.kind) {
    case "number":
    case "boolean":
    case "string":
      return [];
    case "name":
      return bound.has(syntax.name) ? [] : [{ kind: "name", name: syntax.name, span: syntax.span, inScope: bound }];
    case "list":
    case "tuple":
      return all(syntax.items);
    case "spread":
    case "negate":
    case "not":
      return usesIn(syntax.value, bound);
    case "member":
      // A name after a dot may be a result's.
      return [...usesIn(syntax.object, bound), ...(syntax.member.kind === "name" ? [] : usesIn(syntax.member, bound))];
    case "call":
      return [
        { kind: "call", name: syntax.callee, span: syntax.calleeSpan, inScope: bound },
        ...syntax.arguments.flatMap((argument) => usesInArgument(argument, syntax.callee, bound)),
      ];
    case "pipe":
      return [...usesIn(syntax.value, bound), ...usesInStage(syntax.call, bound)];
    case "binary":
      return all([syntax.left, syntax.right]);
    case "if":
      return all([syntax.condition, syntax.whenTrue, syntax.whenFalse]);
    case "listFor":
      return [...usesIn(syntax.range, bound), ...usesIn(syntax.body, bind(bound, syntax.binder.names))];
    case "range":
      return all([syntax.from, syntax.to]);
    case "access":
      return all([syntax.tensor, ...syntax.indices]);
    case "else":
      return all([syntax.read, syntax.otherwise]);
    case "inside":
      return usesIn(syntax.access, bound);
    case "reduce":
      return usesInReduction(syntax, bound);
    case "first": {
      const range = syntax.binder.range ? usesIn(syntax.binder.range, bound) : [];
      return [...range, ...usesIn(syntax.body, bind(bound, [syntax.binder.name]))];
    }
    case "weight": {
      const indices = syntax.path.flatMap((step) => (step.kind === "index" ? usesIn(step.index, bound) : []));
      const { initializer } = syntax;
      // The name of an initialiser is no other name's business; its arguments are.
      const args = initializer?.kind === "call" ? initializer.arguments.flatMap(({ value }) => usesIn(value, bound)) : [];
      return [...indices, ...(syntax.type ? usesInType(syntax.type, bound) : []), ...args];
    }
  }
}

function usesInArgument({ name, value }: Argument, callee: string, bound: Bound): Use[] {
  const uses = usesIn(value, bound);
  return name !== undefined && value.kind === "name" ? uses.map((use) => ({ ...use, argumentOf: callee })) : uses;
}

function usesInStage(call: Syntax, bound: Bound): Use[] {
  return call.kind === "name" ? [{ kind: "call", name: call.name, span: call.span, inScope: bound }] : usesIn(call, bound);
}

function usesInReduction(syntax: Extract<Syntax, { kind: "reduce" }>, bound: Bound): Use[] {
  const uses: Use[] = [];
  let inner = bound;
  for (const binder of syntax.binders) {
    if (binder.range) uses.push(...usesIn(binder.range, inner));
    else if (!inner.has(binder.name)) uses.push({ kind: "name", name: binder.name, span: binder.span, inScope: inner });
    inner = bind(inner, [binder.name]);
  }
  return [...uses, ...(syntax.where ? usesIn(syntax.where, inner) : []), ...usesIn(syntax.body, inner)];
}

export function usesInType(type: TypeSyntax, bound: Bound): Use[] {
  return type.dimensions.flatMap(({ name, value, span }): Use[] => {
    if (value) return usesIn(value, bound);
    return name === undefined || bound.has(name) ? [] : [{ kind: "name", name, span, inScope: bound }];
  });
}

/** A body's lines see what the lines before them define; a block's definitions end with it. */
export function usesInBody(body: readonly StatementSyntax[], outer: Bound): Use[] {
  const uses: Use[] = [];
  let bound = outer;
  for (const statement of body) {
    switch (statement.kind) {
      case "let":
        uses.push(...usesIn(statement.value, bound));
        bound = bind(bound, statement.pattern.names);
        break;
      case "assign":
        uses.push(...usesIn(statement.value, bound));
        if (!bound.has(statement.name)) uses.push({ kind: "name", name: statement.name, span: statement.span, inScope: bound });
        break;
      case "equation": {
        const indices = statement.indices.map((index) => (index.kind === "spread" ? index.value : index));
        const names = indices.flatMap((index) => (index.kind === "name" ? [index.name] : []));
        uses.push(...usesIn(statement.value, bind(bound, names)));
        break;
      }
      case "require":
        uses.push(...usesIn(statement.condition, bound));
        break;
      case "for":
        uses.push(...usesIn(statement.range, bound), ...usesInBody(statement.body, bind(bound, statement.binder.names)));
        break;
      case "when":
        uses.push(
          ...usesIn(statement.condition, bound),
          ...usesInBody(statement.whenTrue, bound),
          ...usesInBody(statement.otherwise, bound),
        );
        break;
      case "value":
        uses.push(...usesIn(statement.value, bound));
        break;
    }
  }
  return uses;
}
