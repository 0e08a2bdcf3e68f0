// The Node half of lazy_bindings.py: each bindings package ships an index that loads its classes
// when they are first used, beside the one that loads all of them.
const { existsSync } = require("node:fs");
const { registerHooks } = require("node:module");
const { fileURLToPath } = require("node:url");
const threads = require("node:worker_threads");

const index = /(\/@cdktf\/provider-[a-z]+\/lib)\/index\.js$/;
const warned = new Set();

function lazyIndex(url) {
  const lazy = url.replace(index, "$1/lazy-index.js");
  if (existsSync(fileURLToPath(lazy))) return lazy;
  if (!warned.has(url)) {
    warned.add(url);
    console.error(`${fileURLToPath(url)} has no lazy-index.js: all of it is loaded, which takes longer`);
  }
  return url;
}

// Node before 22.15 has no such hook: then everything is loaded, as it would be anyway.
registerHooks?.({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    return index.test(resolved.url) ? { ...resolved, url: lazyIndex(resolved.url) } : resolved;
  },
});

// When jsii first meets an assembly, a thread of it writes an index, with which later runs need not
// read the whole; AWS's has 130 MB. jsii exits without waiting for that, and a run as short as ours
// would never leave an index. Its parent waits five seconds.
const indexing = new Set();
const exit = process.exit;

threads.Worker = class extends threads.Worker {
  constructor(file, ...options) {
    super(file, ...options);
    if (!String(file).endsWith("runtime-index-worker.js")) return;
    indexing.add(this);
    this.once("exit", () => indexing.delete(this));
  }
};

process.exit = (code) => {
  if (indexing.size === 0) exit(code);
  for (const thread of indexing) thread.once("exit", () => indexing.size || exit(code));
  setTimeout(exit, 4500, code);
};
