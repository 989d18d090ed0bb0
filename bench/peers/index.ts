/** Every peer, in the order of the tables. A further one is one more entry. */

import { dexter, dexterResident } from "./dexter.ts";
import { miniflare } from "./miniflare.ts";
import type { Peer } from "./peer.ts";
import { plain } from "./plain.ts";
import { type Wrangler, wranglerPeer } from "./wrangler.ts";

export const peerNames = ["plain", "miniflare", "wrangler", "dexter", "dexter-resident"] as const;

/** The peers that can be had: all of them if `wrangler` was found. */
export function peersWith(wrangler: Wrangler | undefined): Peer[] {
  return [plain, miniflare, ...(wrangler ? [wranglerPeer(wrangler)] : []), dexter, dexterResident];
}
