/** What may be asked of a canary. The command line checks it before the node does, by the same rules. */
import * as z from "zod";

const PERCENT_RULE = "must be a percentage from 1 to 99";

/** As text, which is how a query has it. */
export const canaryRequest = z.object({
  canary: z.coerce.number(PERCENT_RULE).min(1, PERCENT_RULE).max(99, PERCENT_RULE),
  /** Milliseconds. */
  window: z.coerce.number().int().min(1_000).max(86_400_000).optional(),
  sticky: z
    .string()
    .regex(/^(header|cookie):[\w!#$%&'*+.^`|~-]+$/, "must be header:<name> or cookie:<name>")
    .optional(),
});
