/**
 * Renders the configuration of one server process, in Cap'n Proto's text form: the host worker, a
 * control socket, and a socket for every thread slot. Names and paths go in as quoted strings.
 */
import { CF_HEADER, PROTO_HEADER, residentBinding } from "../../runtime/protocol.ts";
import { quote } from "./capnp.ts";
import { type Resident, renderResident } from "./residents.ts";

interface WorkerdConfigInput {
  /** Source of the host worker's module. */
  readonly hostModule: string;
  /** Where the sockets are made; absolute, and short enough for a socket address. */
  readonly directory: string;
  readonly slots: number;
  /** Threads in the first slots that are services of their own. */
  readonly residents: readonly Resident[];
  /** workerd's allow list for `fetch()`. */
  readonly allowNetwork: readonly string[];
  readonly v8Flags: readonly string[];
}

/** The host worker's own date: what it uses was there then. Functions have dates of their own. */
const HOST_COMPATIBILITY_DATE = "2026-11-17";

export function controlSocket(directory: string): string {
  return `${directory}/control`;
}

export function threadSocket(directory: string, slot: number): string {
  return `${directory}/t${slot}`;
}

export function renderWorkerdConfig(input: WorkerdConfigInput): string {
  const sockets = [
    `(name = "control", address = ${quote(`unix:${controlSocket(input.directory)}`)}, http = (),
      service = (name = "host", entrypoint = "Control"))`,
  ];
  for (let slot = 0; slot < input.slots; slot++) {
    const props = quote(JSON.stringify({ slot }));
    const resident = input.residents[slot];
    const service = resident ? quote(resident.name) : `(name = "host", props = (json = ${props}))`;
    sockets.push(
      `(name = "t${slot}", address = ${quote(`unix:${threadSocket(input.directory, slot)}`)},
      http = (cfBlobHeader = "${CF_HEADER}", forwardedProtoHeader = "${PROTO_HEADER}"),
      service = ${service})`,
    );
  }
  const bindings = input.residents.map(
    ({ name }, slot) =>
      `(name = "${residentBinding(slot)}", service = (name = ${quote(name)}, entrypoint = "DexterThread"))`,
  );
  const services = input.residents.map(renderResident);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "host", worker = (
      modules = [(name = "host.js", esModule = ${quote(input.hostModule)})],
      compatibilityDate = "${HOST_COMPATIBILITY_DATE}",
      compatibilityFlags = ["experimental"],
      bindings = [(name = "LOADER", workerLoader = ()), ${bindings.join(", ")}],
      globalOutbound = "internet")),
    ${services.map((service) => `${service},\n    `).join("")}(name = "internet", network = (
      allow = [${input.allowNetwork.map(quote).join(", ")}],
      tlsOptions = (trustBrowserCas = true)))
  ],
  sockets = [
    ${sockets.join(",\n    ")}
  ],
  v8Flags = [${input.v8Flags.map(quote).join(", ")}],
  logging = (structuredLogging = true)
);
`;
}
