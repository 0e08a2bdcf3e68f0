// Loads a module of Langfuse's worker image. Its SDKs are dependencies of Langfuse's own package,
// which the image has below worker/ as a link (pnpm deploy), and a checkout in packages/.
function load(name) {
  const fs = require("node:fs");
  const folders = ["worker", "worker/node_modules/@langfuse/shared", "packages/shared"]
    .filter((folder) => fs.existsSync(folder))
    .map((folder) => fs.realpathSync(folder));
  return require(require.resolve(name, { paths: folders }));
}

module.exports = { load };
