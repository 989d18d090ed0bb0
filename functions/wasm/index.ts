/**
 * WebAssembly: `primes.wasm` (assembled from `primes.wat` by `assemble.js`) counts the primes up to a
 * limit. An imported module is compiled already; the instance is made once per isolate and its memory is
 * read from JavaScript, here to draw Ulam's spiral: the numbers from 1 on, wound outwards, primes marked.
 *
 *   curl 'http://127.0.0.1:8787/wasm?limit=1000000'
 */
import primes from "./primes.wasm";

interface Exports {
  readonly memory: WebAssembly.Memory;
  sieve(limit: number): number;
}

const MAX_LIMIT = 1_000_000;
const SPIRAL_SIZE = 41;

const { memory, sieve } = new WebAssembly.Instance(primes).exports as unknown as Exports;

export default {
  fetch(request) {
    const limit = Number(new URL(request.url).searchParams.get("limit") ?? 100_000);
    if (!Number.isInteger(limit) || limit < 0 || limit > MAX_LIMIT) {
      return new Response(`limit must be a whole number from 0 to ${MAX_LIMIT}\n`, { status: 400 });
    }
    const started = performance.now();
    const count = sieve(limit);
    const tookMs = (performance.now() - started).toFixed(1);
    const isPrime = (n: number) => n <= limit && new Uint8Array(memory.buffer)[n] === 0;
    return new Response(
      `${count} primes up to ${limit}, counted in ${tookMs} ms\n\n${spiral(SPIRAL_SIZE, isPrime)}`,
    );
  },
} satisfies ExportedHandler;

/** Lines of `size` × `size` dots; `size` is odd, and 1 is in the middle. */
function spiral(size: number, isMarked: (n: number) => boolean): string {
  const rows = Array.from({ length: size }, () => Array<string>(size).fill("·"));
  let [x, y, dx, dy] = [(size - 1) / 2, (size - 1) / 2, 1, 0];
  let n = 1;
  // Sides of 1, 1, 2, 2, 3, 3 … steps, with a quarter turn to the left after each.
  for (let side = 2; n <= size * size; side++) {
    for (let step = side >> 1; step > 0 && n <= size * size; step--, n++) {
      if (isMarked(n)) rows[y]![x] = "█";
      x += dx;
      y += dy;
    }
    [dx, dy] = [dy, -dx];
  }
  return `${rows.map((row) => row.join(" ")).join("\n")}\n`;
}
