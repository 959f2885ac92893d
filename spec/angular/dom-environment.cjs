const { TestEnvironment } = require('jest-environment-jsdom');
const withLeakCheck = require('../support/leak-check.cjs');

/** A DOM, and what browsers have besides and jsdom lacks. */
module.exports = class extends withLeakCheck(TestEnvironment) {
  async setup() {
    await super.setup();
    Object.assign(this.global, { TextDecoder, TextEncoder, Uint8Array });
  }
};
