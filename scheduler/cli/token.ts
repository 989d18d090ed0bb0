/** `dexter token`: who may call the admin API over TCP. Asks the running node, or another one with an admin token. */
import { tokenRequest } from "../admin/token-request.ts";
import type { TokenInfo } from "../admin/token-store.ts";
import { DexterError } from "../errors.ts";
import { type ClientOptions, callNode, nodeAddress } from "./node-client.ts";
import { toTheMinute } from "./print.ts";
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
  if (issue) throw new DexterError("USAGE", { option: writtenAs(issue.path[0]), rule: issue.message });
  const address = await nodeAddress(options);
  const body = JSON.stringify(asked);
  const made = await callNode<TokenInfo & { token: string }>(address, "POST", "/tokens", { body });
  if (options.json) return console.log(JSON.stringify(made, undefined, 2));
  console.error(`${made.name}: ${rightsOf(made)}; this is the only time that the token is shown`);
  console.log(made.token);
}

/** A field of the request, as the command line has it. */
function writtenAs(field: PropertyKey | undefined): string {
  if (field === "name") return "<name>";
  return field === "functions" ? "--function" : `--${String(field)}`;
}

export async function listTokens(options: ClientOptions): Promise<void> {
  const address = await nodeAddress(options);
  const { tokens } = await callNode<{ tokens: TokenInfo[] }>(address, "GET", "/tokens");
  if (options.json) return console.log(JSON.stringify(tokens, undefined, 2));
  if (tokens.length === 0) return console.log("no tokens; create one with `dexter token create`");
  const rows = tokens.map((token) => [
    token.name,
    token.id,
    token.scope,
    token.functions?.join(", ") ?? "all",
    toTheMinute(token.createdAt),
    token.expired ? "expired" : token.expiresAt === undefined ? "never" : toTheMinute(token.expiresAt),
    token.lastUsedAt === undefined ? "–" : toTheMinute(token.lastUsedAt),
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
  return expiresAt === undefined ? `${where}, never expires` : `${where}, expires ${toTheMinute(expiresAt)}`;
}
