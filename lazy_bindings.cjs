// The Node half of lazy_bindings.py: each bindings package ships an index that loads its classes
// when they are first used, beside the one that loads all of them.
const { existsSync } = require("node:fs");
const { registerHooks } = require("node:module");
const { fileURLToPath } = require("node:url");

// Node before 22.15 has no such hook: then everything is loaded, as it would be anyway.
registerHooks?.({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    const url = resolved.url.replace(
      /(\/@cdktf\/provider-[a-z]+\/lib)\/index\.js$/,
      "$1/lazy-index.js",
    );
    const exists = url !== resolved.url && existsSync(fileURLToPath(url));
    return exists ? { ...resolved, url } : resolved;
  },
});
