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
/** Slot → what was loaded into it. A name is used for one thread only. */
const threads: (LoadRequest | undefined)[] = [];

/** The isolate of that name. It is made anew if it has ended itself: a function may call `abortIsolate`. */
function isolate(env: HostEnv, { name, version, concurrent }: LoadRequest): WorkerStub {
  return env.LOADER.get(name, () => {
    const code = versions.get(version);
    if (!code) throw new Error(`isolate ${name} is gone, and version ${version} is no longer here`);
    const thread = { js: threadModule(name, concurrent) };
    return { ...code, modules: { ...code.modules, [THREAD_MODULE]: thread } } as WorkerLoaderWorkerCode;
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
    return isolate(env, threads[ctx.props.slot]!).getEntrypoint().fetch(request);
  },
};

interface ThreadEntrypoint {
  ready(): Promise<string | undefined>;
  settled(): Promise<void>;
  abort(): Promise<void>;
}

/**
 * The control socket. Answers 200, also to `GET /`, which asks whether the server is alive; 404 when the version of a
 * thread is not here; 422 with the reason as text when the thread cannot be made.
 */
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

  private thread(loaded: LoadRequest): ThreadEntrypoint {
    return isolate(this.env, loaded).getEntrypoint("DexterThread") as unknown as ThreadEntrypoint;
  }

  private async load(slot: number, request: LoadRequest): Promise<Response> {
    const { version } = request;
    if (!versions.has(version)) return new Response(`version ${version} is not here`, { status: 404 });
    try {
      const problem = await this.thread(request).ready();
      if (problem === undefined) {
        threads[slot] = request;
        return new Response();
      }
      await this.abort(request);
      return new Response(problem, { status: 422 });
    } catch (error) {
      return new Response(error instanceof Error ? (error.stack ?? error.message) : String(error), {
        status: 422,
      });
    }
  }

  private async retire(slot: number): Promise<Response> {
    const thread = threads[slot];
    if (thread === undefined) return new Response();
    await this.thread(thread).settled();
    threads[slot] = undefined;
    await this.abort(thread);
    return new Response();
  }

  private async abort(thread: LoadRequest): Promise<void> {
    // The call ends the isolate that should answer it.
    await this.thread(thread)
      .abort()
      .catch(() => {});
  }

  private async settle(): Promise<Response> {
    const loaded = threads.filter((thread) => thread !== undefined).map((thread) => this.thread(thread));
    const residents: ThreadEntrypoint[] = [];
    for (let slot = 0; residentBinding(slot) in this.env; slot++)
      residents.push(this.env[residentBinding(slot)]!);
    await Promise.allSettled([...loaded, ...residents].map((thread) => thread.settled()));
    return new Response();
  }
}
