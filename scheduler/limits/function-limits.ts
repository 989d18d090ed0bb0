/** What each function may take: what it sets itself, and the node's limits for the rest. */
import type { FunctionLimits, FunctionSettings, NodeConfig } from "../types.ts";

export class LimitsByFunction {
  #node: FunctionLimits;
  #own: ReadonlyMap<string, Partial<FunctionLimits>> = new Map();
  /** Put together when they are first asked for: they are asked for with each request. */
  readonly #known = new Map<string, FunctionLimits>();

  constructor({ limits }: Pick<NodeConfig, "limits">) {
    this.#node = limits.ofFunctions;
  }

  /** Limits from now on; requests that have begun keep theirs. */
  configure(functions: readonly FunctionSettings[], { limits }: Pick<NodeConfig, "limits">): void {
    this.#node = limits.ofFunctions;
    this.#own = new Map(functions.map(({ name, limits: own = {} }) => [name, own]));
    this.#known.clear();
  }

  of(functionName: string): FunctionLimits {
    const known = this.#known.get(functionName);
    if (known !== undefined) return known;
    const limits = { ...this.#node, ...this.#own.get(functionName) };
    this.#known.set(functionName, limits);
    return limits;
  }
}
