// The Node half of lazy_bindings.py: each bindings package ships an index that loads its classes
// when they are first used, beside the one that loads all of them.
const { existsSync } = require("node:fs");
const { registerHooks } = require("node:module");
const { fileURLToPath } = require("node:url");

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
