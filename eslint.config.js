import rxjs from 'eslint-plugin-rxjs-x';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  // What is in scripts/platforms runs against the packed package, which checks it.
  // The dashboard has packages of its own, which are not installed here; its strict Angular build checks it.
  { ignores: ['dashboard/', 'dist/', 'scripts/platforms/', 'docs/api/', 'src/protocol/qapi/', 'src/protocol/qga/'] },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  rxjs.configs.strict,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_$' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      curly: ['error', 'multi-line'],
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
  // These ask what the compiler makes of generic code.
  { files: ['spec/types/**'], rules: { '@typescript-eslint/no-unnecessary-type-parameters': 'off' } },
  {
    files: ['**/*.js', '**/*.cjs'],
    languageOptions: { parserOptions: { projectService: false, project: 'tsconfig.js.json' } },
    rules: {
      // Parameters have no annotations there.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/restrict-template-expressions': 'off',
      '@typescript-eslint/restrict-plus-operands': 'off',
      '@typescript-eslint/no-require-imports': 'off',
      // What is measured may return what it likes.
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
);
