import rxjs from 'eslint-plugin-rxjs-x';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  // The dashboard has packages of its own, which are not installed here; its strict Angular build checks it.
  {
    ignores: [
      'dashboard/',
      'dist/',
      'coverage/',
      'node_modules/',
      'src/protocol/qapi/',
      '**/*.js',
      '**/*.mjs',
      '**/*.cjs',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  rxjs.configs.strict,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'rxjs-x/finnish': 'off',
      // Streams here never error, or RxJS reports what nobody handles.
      'rxjs-x/no-ignored-error': 'off',
      'rxjs-x/no-ignored-default-value': 'off',
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // At odds with isolatedDeclarations.
      '@typescript-eslint/consistent-generic-constructors': 'off',
      // The reason of a signal may be anything.
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
    },
  },
);
