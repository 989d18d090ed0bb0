/** The functions that the workloads ask: TypeScript, the same for every peer. */

/** A function that answers with `text`. */
export function textHandler(text: string): string {
  return `export default {
  fetch(): Response {
    return new Response(${JSON.stringify(text)});
  },
};
`;
}

/** Some 10 KB as JSON, of the kind that an interface answers with. */
export const records = Array.from({ length: 100 }, (_, id) => ({
  id,
  name: `record ${id}`,
  tags: ["edge", "isolate", "thread"],
  price: id * 1.25,
  stock: id % 7 !== 0,
}));

/** Answers with `records`, made into JSON for each request. */
export const jsonHandler = `const records = ${JSON.stringify(records)};
export default {
  fetch(): Response {
    return Response.json(records);
  },
};
`;

/** Answers with so many bytes, which it has ready. */
export function downloadHandler(bytes: number): string {
  return `const body = new Uint8Array(${bytes}).fill(120);
export default {
  fetch(): Response {
    return new Response(body);
  },
};
`;
}

/** Reads the whole of the request's body and answers with its length. */
export const uploadHandler = `export default {
  async fetch(request: Request): Promise<Response> {
    return new Response(String((await request.arrayBuffer()).byteLength));
  },
};
`;

/** Waits as if for a database, without using the CPU. */
export function waitHandler(ms: number): string {
  return `export default {
  async fetch(): Promise<Response> {
    await new Promise((resolve) => setTimeout(resolve, ${ms}));
    return new Response("waited");
  },
};
`;
}

/** The loop that burns CPU; in `workerd` the clock stands still meanwhile, so its length is a number of rounds. */
const burn = `function burn(rounds) {
  let x = rounds;
  for (let i = 0; i < rounds; i++) x = (Math.imul(x, 1664525) + 1013904223) | 0;
  return x;
}`;

/** How many rounds of the loop take so long here, when nothing else takes the CPU. */
function roundsFor(ms: number): number {
  const loop = new Function(`${burn} return burn;`)() as (rounds: number) => number;
  const tried = 20_000_000;
  loop(tried);
  const times = Array.from({ length: 5 }, () => {
    const before = performance.now();
    loop(tried);
    return performance.now() - before;
  });
  return Math.round((tried * ms) / Math.min(...times));
}

/** Burns CPU for `ms` at a path that ends in `/heavy`, and answers at once elsewhere. */
export function mixedHandler(ms: number): string {
  return `${burn}
export default {
  fetch(request) {
    if (!request.url.endsWith("/heavy")) return new Response("light");
    return new Response(burn(${roundsFor(ms)}) === 0.5 ? "never" : "heavy");
  },
};
`;
}

/** Answers when it began, in milliseconds of the system's clock, after as many as `?hold=` says. */
export const holdHandler = `export default {
  async fetch(request: Request): Promise<Response> {
    const began = Date.now();
    const hold = Number(new URL(request.url).searchParams.get("hold"));
    if (hold > 0) await new Promise((resolve) => setTimeout(resolve, hold));
    return new Response(String(began));
  },
};
`;
