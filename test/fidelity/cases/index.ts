/** All cases, by what they are about. */
import type { Case } from "../case.ts";
import { apiCases } from "./apis.ts";
import { connectionCases } from "./connections.ts";
import { entrypointCases } from "./entrypoints.ts";
import { failureCases } from "./failures.ts";
import { lifeCases } from "./life.ts";
import { outboundCases } from "./outbound.ts";
import { requestCases } from "./requests.ts";
import { responseCases } from "./responses.ts";
import { socketCases } from "./sockets.ts";
import { streamCases } from "./streams.ts";
import { uploadCases } from "./uploads.ts";

export const groups: Readonly<Record<string, readonly Case[]>> = {
  requests: requestCases,
  responses: responseCases,
  streams: streamCases,
  uploads: uploadCases,
  connections: connectionCases,
  failures: failureCases,
  life: lifeCases,
  sockets: socketCases,
  entrypoints: entrypointCases,
  interfaces: apiCases,
  outbound: outboundCases,
};
