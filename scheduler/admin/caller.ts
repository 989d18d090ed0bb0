/** Who calls the admin API, and what they may do. */

/** Each includes those before it: look, change functions, and rule the node. */
export const SCOPES = ["read", "deploy", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

export interface Caller {
  /** For logs and the history of deploys: a token's name, or `local` for the socket's owner. */
  readonly name: string;
  readonly scope: Scope | "none";
  /** The functions that it is limited to; absent for no limit. */
  readonly functions?: readonly string[];
}

/** Whoever may open the admin socket owns the node. */
export const LOCAL: Caller = { name: "local", scope: "admin" };

/** Who shows no token, where none is asked for. */
export const ANYBODY: Caller = { name: "anybody", scope: "none" };

/** Whether the caller may do what needs this scope, on this function if it is about one. */
export function permits(caller: Caller, scope: Scope, functionName?: string): boolean {
  if (caller.scope === "none" || SCOPES.indexOf(caller.scope) < SCOPES.indexOf(scope)) return false;
  return functionName === undefined || !caller.functions || caller.functions.includes(functionName);
}
