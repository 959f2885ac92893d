const { TestEnvironment } = require('jest-environment-jsdom');

/** A DOM, and what browsers have besides and jsdom lacks. */
module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup();
    Object.assign(this.global, { TextDecoder, TextEncoder, Uint8Array });
  }
};
