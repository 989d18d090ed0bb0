/** What may be asked of a new token. The command line checks it before the node does, by the same rules. */
import * as z from "zod";
import { functionName } from "../config/values.ts";
import { SCOPES } from "./caller.ts";
import { TOKEN_ID } from "./token-text.ts";

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const LONGEST_DAYS = 3650;
const MAX_FUNCTIONS = 100;

const NAME_RULE = 'must be letters, digits, ".", "_" and "-", at most 64, and begin with a letter or digit';
const EXPIRY_RULE = `must be a time from now such as "30d", "12h" or "90m", up to ${LONGEST_DAYS}d`;

/** Names stand in logs and in the history of deploys, where `local` is the owner of the socket. */
const tokenName = z
  .string({ error: NAME_RULE })
  .regex(/^[a-z0-9][\w.-]{0,63}$/i, NAME_RULE)
  .refine((name) => name !== "local", 'must not be "local": that is who uses the admin socket')
  .refine((name) => !TOKEN_ID.test(name), "must not look like the id of a token");

const expiry = z.string({ error: EXPIRY_RULE }).transform((text, context) => {
  const [, count, unit] = /^(\d{1,7})([mhd])$/.exec(text) ?? [];
  const ms = Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  if (ms > 0 && ms <= LONGEST_DAYS * UNIT_MS.d) return ms;
  context.addIssue({ code: "custom", message: EXPIRY_RULE });
  return z.NEVER;
});

/** `expires` comes out as milliseconds. */
export const tokenRequest = z
  .strictObject({
    name: tokenName,
    scope: z.enum(SCOPES, { error: `must be one of ${SCOPES.join(", ")}` }),
    functions: z
      .array(functionName, { error: "must be a list of functions' names" })
      .min(1, "must name a function; leave it out for all of them")
      .max(MAX_FUNCTIONS, `must be at most ${MAX_FUNCTIONS} names`)
      .transform((names) => [...new Set(names)])
      .optional(),
    expires: expiry.optional(),
  })
  .refine(({ scope, functions }) => scope !== "admin" || functions === undefined, {
    path: ["functions"],
    error: "must be left out with the scope admin, which rules the whole node",
  });

export type TokenRequest = z.output<typeof tokenRequest>;
