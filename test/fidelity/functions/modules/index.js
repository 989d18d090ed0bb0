// Every kind of module that a function may import.

import adder from "./add.wasm";
import bytes from "./bytes.bin";
import data from "./data.json";
import note from "./note.txt";
import page from "./page.html";
import query from "./query.sql";

const { exports } = new WebAssembly.Instance(adder);

const answers = {
  wasm: async () => {
    const second = await WebAssembly.instantiate(adder);
    return [adder instanceof WebAssembly.Module, exports.add(40, 2), second.exports.add(1, -3)];
  },
  text: () => [typeof note, note],
  html: () => [typeof page, page],
  sql: () => [typeof query, query],
  data: () => [bytes instanceof ArrayBuffer, [...new Uint8Array(bytes)]],
  json: () => [typeof data, data],
  compile: async () => {
    try {
      await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
      return "compiled";
    } catch (error) {
      return `${error.name}: ${error.message}`;
    }
  },
};

export default {
  async fetch(request) {
    return Response.json(await answers[new URL(request.url).pathname.slice(1)]());
  },
};
