// Runs backup.js with TLS to Redis, which ElastiCache demands: node redis_tls.js TASK
const modules = require("./worker_modules.js");

const { load } = modules;

function withTls(Redis) {
  return class extends Redis {
    constructor(options) {
      super({ ...options, tls: {} });
    }
  };
}

modules.load = (name) => (name === "ioredis" ? withTls(load(name)) : load(name));

require("./backup.js");
