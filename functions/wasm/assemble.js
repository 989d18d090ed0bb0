// Assembles primes.wat into primes.wasm: node functions/wasm/assemble.js
// Knows just what that file uses: one memory, functions over i32, instructions written flat. The numbers
// are those of https://webassembly.github.io/spec/core/binary/.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const I32 = 0x7f;
const OPCODES = {
  block: [0x02, 0x40],
  loop: [0x03, 0x40],
  end: [0x0b],
  br: [0x0c],
  br_if: [0x0d],
  "local.get": [0x20],
  "local.set": [0x21],
  "i32.load8_u": [0x2d, 0, 0],
  "i32.store8": [0x3a, 0, 0],
  "i32.store16": [0x3b, 0, 0],
  "i32.const": [0x41],
  "i32.gt_u": [0x4b],
  "i32.add": [0x6a],
  "memory.fill": [0xfc, 0x0b, 0],
};

/** Returns the binary of the module in `wat`; throws on anything it does not know. */
export function assemble(wat) {
  const [[, ...fields]] = parse(wat);
  const functions = fields.filter(([kind]) => kind === "func").map(assembleFunction);
  const [, [, memoryName], pages] = fields.find(([kind]) => kind === "memory");
  const exported = [
    [...string(JSON.parse(memoryName)), 2, 0],
    ...functions.map(({ name }, index) => [...string(name), 0, ...unsigned(index)]),
  ];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(
      1,
      functions.map(({ type }) => type),
    ),
    ...section(
      3,
      functions.map((_, index) => unsigned(index)),
    ),
    ...section(5, [[0, ...unsigned(Number(pages))]]),
    ...section(7, exported),
    ...section(
      10,
      functions.map(({ code }) => [...unsigned(code.length), ...code]),
    ),
  ]);
}

/** Turns the text into nested arrays: `(a (b c))` becomes `[["a", ["b", "c"]]]`. */
function parse(wat) {
  const stack = [[]];
  for (const token of wat.replace(/;;.*/g, "").match(/[()]|"[^"]*"|[^\s()]+/g)) {
    if (token === "(") stack.push([]);
    else if (token === ")") stack.at(-2).push(stack.pop());
    else stack.at(-1).push(token);
  }
  return stack[0];
}

function assembleFunction([, ...parts]) {
  const clauses = (kind) => parts.filter((part) => part[0] === kind && Array.isArray(part));
  const params = clauses("param").map(([, name]) => name);
  const locals = clauses("local").map(([, name]) => name);
  const results = clauses("result").map(() => I32);
  const body = assembleBody(
    parts.filter((part) => !Array.isArray(part)),
    [...params, ...locals],
  );
  return {
    name: JSON.parse(clauses("export")[0][1]),
    type: [0x60, ...vector(params.map(() => [I32])), ...vector(results.map((type) => [type]))],
    code: [1, ...unsigned(locals.length), I32, ...body, ...OPCODES.end],
  };
}

function assembleBody(tokens, locals) {
  const labels = [];
  const bytes = [];
  const rest = [...tokens];
  while (rest.length > 0) {
    const name = rest.shift();
    const opcode = OPCODES[name];
    if (!opcode) throw new Error(`unknown instruction ${name}`);
    bytes.push(...opcode);
    if (name === "block" || name === "loop") labels.unshift(rest.shift());
    else if (name === "end") labels.shift();
    else if (name === "br" || name === "br_if") bytes.push(...unsigned(indexOf(labels, rest.shift())));
    else if (name === "local.get" || name === "local.set")
      bytes.push(...unsigned(indexOf(locals, rest.shift())));
    else if (name === "i32.const") bytes.push(...signed(Number(rest.shift())));
  }
  return bytes;
}

function indexOf(names, name) {
  const index = names.indexOf(name);
  if (index < 0) throw new Error(`unknown name ${name}`);
  return index;
}

const string = (text) => [...unsigned(text.length), ...Buffer.from(text)];
const vector = (items) => [...unsigned(items.length), ...items.flat()];
const section = (id, items) => [id, ...unsigned(vector(items).length), ...vector(items)];

/** LEB128: seven bits a byte, lowest first, the top bit set on all bytes but the last. */
function unsigned(value) {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value) {
  return value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const here = (name) => new URL(name, import.meta.url);
  writeFileSync(here("primes.wasm"), assemble(readFileSync(here("primes.wat"), "utf8")));
}
