/** What a file asks for and the language or the importer has not, collected and said all at once. */
import { type Diagnostic, errorDiagnostic } from "../support/diagnostic.ts";
import { shownName } from "./limits.ts";

/** A node that cannot be said, and why: "is not supported", "pads by reflection". */
export type Refused = { readonly operator: string; readonly reason: string; readonly node: string };

const shownNodes = 5;

/** One diagnostic for every operator and reason, with the count and the nodes, in the order in which they were met. */
export function unsupportedDiagnostics(format: string, refused: readonly Refused[]): Diagnostic[] {
  const groups = new Map<string, Refused[]>();
  for (const one of refused) {
    const key = JSON.stringify([one.operator, one.reason]);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].map((group) => {
    const { operator, reason } = group[0] as Refused;
    const count = group.length === 1 ? "1 node" : `${group.length} nodes`;
    return errorDiagnostic("unsupported-operator", `${format}'s operator ${shownName(operator)} ${reason} (${count})`, {
      notes: [{ message: listedNodes(group.map(({ node }) => node)) }],
    });
  });
}

/** "in `conv1`, `conv2` and 3 more" */
export function listedNodes(nodes: readonly string[]): string {
  const shown = nodes.slice(0, shownNodes).map((name) => `\`${shownName(name)}\``);
  const rest = nodes.length - shown.length;
  return `in ${shown.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}
