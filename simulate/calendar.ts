/** What will happen, in the order of its time; at the same time, in the order in which it was planned. */

interface Appointment {
  readonly atMs: number;
  readonly order: number;
  readonly happen: () => void;
}

export class Calendar {
  /** A binary heap, the earliest on top. */
  readonly #heap: Appointment[] = [];
  #order = 0;

  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  at(atMs: number, happen: () => void): void {
    const heap = this.#heap;
    const added = { atMs, order: this.#order++, happen };
    let place = heap.length;
    heap.push(added);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!before(added, heap[parent]!)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = added;
  }

  /** Takes out what comes first; there must be something. */
  take(): () => void {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) this.#sink(last);
    return first.happen;
  }

  #sink(moved: Appointment): void {
    const heap = this.#heap;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, moved)) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = moved;
  }
}

function before(a: Appointment, b: Appointment): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
