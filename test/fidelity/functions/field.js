// A WorkerEntrypoint whose handler is a field of the instance, inherited from a base class.
import { WorkerEntrypoint } from "cloudflare:workers";

class Base extends WorkerEntrypoint {
  fetch = async (...args) => new Response(`${this.describe()} ${args.length} ${args[0].method}`);

  describe() {
    return `base of ${this.constructor.name}`;
  }
}

export default class Derived extends Base {
  describe() {
    return `derived ${super.describe()}`;
  }
}
