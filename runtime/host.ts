/**
 * The host worker, one per server. It loads and retires isolates on the scheduler's word (control
 * socket) and passes each slot socket's requests to the isolate in that slot.
 *
 * Its state is names and plain values only: I/O objects may not outlive the request that made them,
 * so an isolate is looked up by name, each time.
 */
import { WorkerEntrypoint } from "cloudflare:workers";
import {
  type LoadRequest,
  residentBinding,
  THREAD_MODULE,
  threadModule,
  type VersionPayload,
} from "./protocol.ts";

interface HostEnv {
  readonly LOADER: WorkerLoader;
  /** The resident threads, by `residentBinding`. */
  readonly [resident: `RESIDENT_${number}`]: ThreadEntrypoint;
}

const versions = new Map<string, WorkerLoaderWorkerCode>();
/** Slot → name of the isolate in it. A name is used once: see WorkerLoader's rules on reuse. */
const names: (string | undefined)[] = [];

function isolate(env: HostEnv, name: string): WorkerStub {
  return env.LOADER.get(name, () => {
    throw new Error(`isolate ${name} is gone`);
  });
}

function decode(base64: string): ArrayBuffer {
  return Uint8Array.fromBase64(base64).buffer;
}

function toCode(payload: VersionPayload): WorkerLoaderWorkerCode {
  const modules: Record<string, unknown> = {};
  for (const [name, module] of Object.entries(payload.modules)) {
    if ("dataBase64" in module) modules[name] = { data: decode(module.dataBase64) };
    else if ("wasmBase64" in module) modules[name] = { wasm: decode(module.wasmBase64) };
    else modules[name] = module;
  }
  return { ...payload, modules } as WorkerLoaderWorkerCode;
}

export default {
  fetch(request: Request, env: HostEnv, ctx: ExecutionContext<{ slot: number }>) {
    return isolate(env, names[ctx.props.slot]!).getEntrypoint().fetch(request);
  },
};

interface ThreadEntrypoint {
  ready(): Promise<string | undefined>;
  settled(): Promise<void>;
  abort(): Promise<void>;
}

/** The control socket. Answers 200, or 500 with the reason as text. */
export class Control extends WorkerEntrypoint<HostEnv> {
  override async fetch(request: Request): Promise<Response> {
    const [, kind, id] = new URL(request.url).pathname.split("/");
    switch (`${request.method} ${kind}`) {
      case "PUT versions":
        versions.set(id!, toCode(await request.json()));
        return new Response();
      case "DELETE versions":
        versions.delete(id!);
        return new Response();
      case "PUT threads":
        return await this.load(Number(id), await request.json());
      case "DELETE threads":
        return await this.retire(Number(id));
      case "POST settle":
        return await this.settle();
      default:
        return new Response();
    }
  }

  private thread(name: string): ThreadEntrypoint {
    return isolate(this.env, name).getEntrypoint("DexterThread") as unknown as ThreadEntrypoint;
  }

  private async load(slot: number, { name, version, concurrent }: LoadRequest): Promise<Response> {
    const code = versions.get(version);
    if (!code) return new Response(`version ${version} is not here`, { status: 404 });
    const modules = {
      ...code.modules,
      [THREAD_MODULE]: { js: threadModule(name, concurrent) },
    };
    this.env.LOADER.get(name, () => ({ ...code, modules }) as WorkerLoaderWorkerCode);
    try {
      const problem = await this.thread(name).ready();
      if (problem === undefined) {
        names[slot] = name;
        return new Response();
      }
      await this.abort(name);
      return new Response(problem, { status: 422 });
    } catch (error) {
      return new Response(error instanceof Error ? (error.stack ?? error.message) : String(error), {
        status: 422,
      });
    }
  }

  private async retire(slot: number): Promise<Response> {
    const name = names[slot];
    if (name === undefined) return new Response();
    await this.thread(name).settled();
    names[slot] = undefined;
    await this.abort(name);
    return new Response();
  }

  private async abort(name: string): Promise<void> {
    // The call ends the isolate that should answer it.
    await this.thread(name)
      .abort()
      .catch(() => {});
  }

  private async settle(): Promise<Response> {
    const loaded = names.filter((name) => name !== undefined).map((name) => this.thread(name));
    const residents: ThreadEntrypoint[] = [];
    for (let slot = 0; residentBinding(slot) in this.env; slot++)
      residents.push(this.env[residentBinding(slot)]!);
    await Promise.allSettled([...loaded, ...residents].map((thread) => thread.settled()));
    return new Response();
  }
}
