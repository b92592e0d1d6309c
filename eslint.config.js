import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  { ignores: ['src/kernel/', 'dist/', 'tmp/', 'node_modules/', '**/*_pb.ts'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['eslint.config.js'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      // Numbers in messages are the rule here, not the accident.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // Typed-array indexing is checked by bounds that the types cannot see.
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    // Plain scripts: those that import the built code, which a fresh clone does not have yet, and one that runs in a page.
    files: ['**/*.mjs', 'src/explain/page-script.js'],
    ...tseslint.configs.disableTypeChecked,
  },
);
