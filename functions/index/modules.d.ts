// What the bundler makes of imports that are not code: see `rules` in wrangler's documentation.
declare module "*.html" {
  const text: string;
  export default text;
}

declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
