/** Modules that exist only inside an isolate, and the one Node module that the runtime uses. */
declare module "*/dexter-thread.js" {
  /** Name of this isolate. */
  export const thread: string;
  /** Whether it may serve several requests at once. */
  export const concurrent: boolean;
}
declare module "*/dexter-user.js" {
  const handler: unknown;
  export default handler;
}
declare module "*/dexter-turn.js" {
  export function inTurn(
    request: Request,
    run: () => Response | Promise<Response>,
  ): Response | Promise<Response>;
}
declare module "*/dexter-fetch.js" {}
declare module "*/dexter-console.js" {
  export function incoming(): Request | undefined;
  export function runFor<R>(request: Request, call: () => R): R;
}
declare module "node:async_hooks" {
  export class AsyncLocalStorage<T> {
    getStore(): T | undefined;
    run<R>(store: T, callback: () => R): R;
  }
}
