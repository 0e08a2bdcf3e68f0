// The Node part of lazy_bindings. Each bindings package ships two indexes: one loads all classes, the
// other (lazy-index.js) loads a class when it is first used.
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

// Node before 22.15 has no such hook: it loads everything, as without lazy_bindings.
registerHooks?.({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    return index.test(resolved.url) ? { ...resolved, url: lazyIndex(resolved.url) } : resolved;
  },
});

// When jsii first loads an assembly (130 MB for AWS), a worker thread writes an index, so that later
// runs need not read all of it. jsii exits without waiting for the thread, and a run as short as ours
// would never complete the index. So exit waits for it, but for less than the five seconds for which
// the parent process waits.
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
