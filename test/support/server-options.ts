/** What a server process is started with, where a test cares for little of it. */
import type { ServerOptions } from "../../scheduler/server/launch.ts";

export function serverOptions(directory: string, over: Partial<ServerOptions> = {}): ServerOptions {
  return {
    slot: 0,
    generation: 1,
    directory,
    threadSlots: 1,
    residents: [],
    hostModule: "",
    allowNetwork: [],
    v8Flags: [],
    inspector: false,
    onLine: () => {},
    ...over,
  };
}
