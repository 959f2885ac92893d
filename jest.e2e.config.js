import base from './jest.config.js';

/** @type {import('jest').Config} What needs a browser: `npm run e2e`. */
export default {
  ...base,
  roots: ['<rootDir>/spec/e2e'],
  testMatch: ['**/*.e2e.ts'],
  testTimeout: 30_000,
  maxWorkers: 1,
};
