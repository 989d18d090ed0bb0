/** `dexter token`: who may call the admin API over TCP. Asks the running node, or another one with an admin token. */
import { tokenRequest } from "../admin/token-request.ts";
import type { TokenInfo } from "../admin/token-store.ts";
import { DexterError } from "../errors.ts";
import { type ClientOptions, callNode, nodeAddress } from "./node-client.ts";
import { table, terminalWidth } from "./table.ts";

export interface TokenOptions extends ClientOptions {
  readonly scope: string;
  readonly function?: readonly string[];
  readonly expires?: string;
}

/** Prints the token, and nothing else, on stdout, so that it can be piped to where it belongs. */
export async function createToken(name: string, options: TokenOptions): Promise<void> {
  const { scope, function: functions, expires } = options;
  const asked = { name, scope, ...(functions && { functions }), ...(expires && { expires }) };
  const { error } = tokenRequest.safeParse(asked);
  const [issue] = error?.issues ?? [];
  if (issue) throw new DexterError("USAGE", { option: issue.path.join("."), rule: issue.message });
  const address = await nodeAddress(options);
  const body = JSON.stringify(asked);
  const made = await callNode<TokenInfo & { token: string }>(address, "POST", "/tokens", { body });
  if (options.json) return console.log(JSON.stringify(made, undefined, 2));
  console.error(`${made.name}: ${rightsOf(made)}; this is the only time that the token is shown`);
  console.log(made.token);
}

export async function listTokens(options: ClientOptions): Promise<void> {
  const address = await nodeAddress(options);
  const { tokens } = await callNode<{ tokens: TokenInfo[] }>(address, "GET", "/tokens");
  if (options.json) return console.log(JSON.stringify(tokens, undefined, 2));
  if (tokens.length === 0) return console.log("no tokens; `dexter token create` makes one");
  const rows = tokens.map((token) => [
    token.name,
    token.id,
    token.scope,
    token.functions?.join(", ") ?? "all",
    minute(token.createdAt),
    token.expired ? "expired" : token.expiresAt === undefined ? "never" : minute(token.expiresAt),
    token.lastUsedAt === undefined ? "–" : minute(token.lastUsedAt),
  ]);
  const head = ["name", "id", "scope", "functions", "created", "expires", "last used"];
  console.log(table(head, rows, { width: terminalWidth() }));
}

export async function revokeToken(which: string, options: ClientOptions): Promise<void> {
  const path = `/tokens/${encodeURIComponent(which)}`;
  const revoked = await callNode<TokenInfo>(await nodeAddress(options), "DELETE", path);
  if (options.json) return console.log(JSON.stringify(revoked, undefined, 2));
  console.log(`revoked ${revoked.name} (${revoked.id})`);
}

function rightsOf({ scope, functions, expiresAt }: TokenInfo): string {
  const where = functions ? `scope ${scope} for ${functions.join(", ")}` : `scope ${scope}`;
  return expiresAt === undefined ? `${where}, never expires` : `${where}, expires ${minute(expiresAt)}`;
}

/** `2026-11-25 18:30 UTC` */
function minute(time: string): string {
  return `${time.slice(0, 16).replace("T", " ")} UTC`;
}
