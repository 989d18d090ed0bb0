/** What is asked of every peer. A further workload is one more entry of the list. */

export interface Workload {
  readonly name: string;
  /** The function's TypeScript, the same for every peer. */
  readonly source: string;
  /** dexter routes by the first segment of the path; the other peers have one handler and ignore it. */
  readonly path: string;
  /** The body that proves that the handler answered, checked once before load. */
  readonly expect: string;
}

/** A function that answers with `text`. */
export function textHandler(text: string): string {
  return `export default {
  fetch(): Response {
    return new Response(${JSON.stringify(text)});
  },
};
`;
}

export const workloads: readonly Workload[] = [
  { name: "hello", source: textHandler("Hello World"), path: "/hello", expect: "Hello World" },
];
