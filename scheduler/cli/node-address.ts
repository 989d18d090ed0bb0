/** Where a node is asked: over its admin socket, or over HTTP with a token. */

export type NodeAddress =
  /** `isDefault`: of a command that takes --node, and was called without. */
  | { readonly socketPath: string; readonly isDefault?: boolean }
  | { readonly url: URL; readonly token: string };

/** What messages call the node. */
export function showAddress(address: NodeAddress): string {
  return "url" in address ? address.url.origin : address.socketPath;
}
