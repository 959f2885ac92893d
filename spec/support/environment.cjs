const { TestEnvironment } = require('jest-environment-node');
const withLeakCheck = require('./leak-check.cjs');

module.exports = withLeakCheck(TestEnvironment);
