// Reads the syntax of a source, TypeScript or JavaScript, for the scripts and tests that look at it.
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "@babel/parser";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What of a syntax tree's node is looked at. */
export interface SyntaxNode {
  readonly type?: string;
  readonly key?: { readonly name?: string; readonly id?: { readonly name?: string } };
  readonly id?: { readonly name?: string } | null;
  readonly body?: { readonly type?: string };
  readonly loc?: { readonly start: { readonly line: number }; readonly end: { readonly line: number } };
  readonly importKind?: string;
  readonly exportKind?: string;
  readonly source?: { readonly value: string } | null;
  readonly callee?: { readonly type: string };
  readonly arguments?: readonly { readonly value?: string }[];
}

/**
 * Calls `visit` with every node of a file, the outer ones first.
 * @param file from the root
 * @param visit gets the node, and its own name or that of the nearest node around it that has one
 */
export function walk(file: string, visit: (node: SyntaxNode, name: string) => void): void {
  const { program } = parse(readFileSync(path.join(root, file), "utf8"), {
    sourceType: "module",
    plugins: ["typescript"],
    errorRecovery: true,
  });
  const enter = (value: unknown, outer: string): void => {
    if (typeof value !== "object" || value === null) return;
    const node = value as SyntaxNode;
    const name = node.key?.name ?? node.key?.id?.name ?? node.id?.name ?? outer;
    visit(node, name);
    for (const [key, child] of Object.entries(node)) if (key !== "loc") enter(child, name);
  };
  enter(program.body, "");
}
