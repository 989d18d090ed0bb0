// A CommonJS module, which may ask for Node.js' own.
const path = require("node:path");

module.exports = { double: (n) => n * 2, fileName: path.basename("/a/b.txt") };
