/** @type {import('jest').Config} */
export default {
  testEnvironment: '<rootDir>/spec/support/environment.cjs',
  testTimeout: 10_000,
  setupFiles: ['<rootDir>/spec/support/poison.cjs'],
  setupFilesAfterEnv: ['<rootDir>/spec/support/time-limit.cjs'],
  globalSetup: '<rootDir>/spec/support/build.cjs',
  globalTeardown: '<rootDir>/spec/support/end.cjs',
  roots: ['<rootDir>/spec'],
  testMatch: ['**/*.spec.ts'],
  // The sources are ES modules and name their imports `./x.js`; under Jest they run as CommonJS, which needs no Node flag.
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^rx-qmp$': '<rootDir>/src/index.ts',
    '^rx-qmp/angular/(.*)$': '<rootDir>/src/angular-$1.ts',
    '^rx-qmp/(.*)$': '<rootDir>/src/$1.ts',
  },
  transform: {
    // `npm test` type-checks src and spec as one program, once; here each file is only stripped of its types.
    '^.+\\.ts$|@angular/.+\\.mjs$': ['ts-jest', { tsconfig: 'tsconfig.spec.json', diagnostics: false }],
  },
  // Angular comes as ES modules only.
  transformIgnorePatterns: ['/node_modules/(?!@angular/)'],
};
