/** Elements. Everything that comes from the node is put in as text, never as markup: strangers write it. */

type Child = Node | string;

/** An element with attributes and children. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** An element of the document. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`#${id} is missing`);
  return found as T;
}

/** Only what is different is touched, so that selections stay and nothing is read out twice. */
export function setText(of: Node, text: string): void {
  if (of.textContent !== text) of.textContent = text;
}

export function setAttribute(of: Element, name: string, value: string | undefined): void {
  if (value === undefined) of.removeAttribute(name);
  else if (of.getAttribute(name) !== value) of.setAttribute(name, value);
}

interface Listing<T> {
  key(item: T): string;
  make(item: T): HTMLElement;
  update(made: HTMLElement, item: T): void;
}

const listed = new WeakMap<Element, Map<string, HTMLElement>>();

/** Makes the children of an element be those of the items, in their order; those that stay are kept. */
export function list<T>(parent: Element, items: readonly T[], { key, make, update }: Listing<T>): void {
  const before = listed.get(parent) ?? new Map<string, HTMLElement>();
  const after = new Map<string, HTMLElement>();
  for (const item of items) after.set(key(item), before.get(key(item)) ?? make(item));
  for (const [name, child] of before) if (after.get(name) !== child) child.remove();
  let place = parent.firstElementChild;
  for (const item of items) {
    const child = after.get(key(item))!;
    update(child, item);
    if (child === place) place = place.nextElementSibling;
    // To move an element takes the focus from it.
    else parent.insertBefore(child, place);
  }
  listed.set(parent, after);
}
