/** Every peer. A further one (wrangler dev, dexter with other settings) is one more entry. */

import { dexter } from "./dexter.ts";
import { miniflare } from "./miniflare.ts";
import type { Peer } from "./peer.ts";
import { plain } from "./plain.ts";

export const peers: readonly Peer[] = [dexter, plain, miniflare];
