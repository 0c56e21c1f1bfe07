import js from '@eslint/js';
import reactHooks from 'eslint-plugin-react-hooks';
import ts from 'typescript-eslint';

// The features are tiers in the order of the Go packages of the same names: a
// feature may use the ones before it. app uses all; nothing uses app.
const tiers = [['access'], ['workspace', 'lineage', 'vault'], ['tracking', 'environment', 'datastore'], ['model', 'data'], ['job', 'endpoint']];

function tierRules() {
  return tiers.flatMap((names, level) =>
    names.map((name) => {
      const above = tiers.slice(level).flat().filter((other) => other !== name);
      return {
        files: [`src/features/${name}/**`],
        rules: {
          'no-restricted-imports': ['error', {
            patterns: [
              { group: ['@/app/*'], message: 'A feature does not know the application around it.' },
              ...above.map((other) => ({
                group: [`@/features/${other}/*`],
                message: `${name} is not above ${other}; see the tiers in eslint.config.js.`,
              })),
            ],
          }],
        },
      };
    }),
  );
}

export default ts.config(
  { ignores: ['dist/**', 'node_modules/**', 'src/api/schema.d.ts', 'public/**'] },
  js.configs.recommended,
  ...ts.configs.recommended,
  reactHooks.configs.flat['recommended-latest'],
  {
    languageOptions: { globals: { console: 'readonly', process: 'readonly', URL: 'readonly', setTimeout: 'readonly' } },
    rules: {
      // TanStack Virtual and Table keep their state outside React on purpose.
      'react-hooks/incompatible-library': 'off',
      // The React Compiler is not in use, so what it cannot keep does not matter.
      'react-hooks/preserve-manual-memoization': 'off',
    },
  },
  {
    files: ['src/{components,lib,api}/**'],
    rules: {
      'no-restricted-imports': ['error', {
        patterns: [{ group: ['@/app/*', '@/features/*'], message: 'Shared code does not know the features.' }],
      }],
    },
  },
  ...tierRules(),
  { files: ['dev/**', 'e2e/**'], languageOptions: { globals: { Buffer: 'readonly', fetch: 'readonly', document: 'readonly', window: 'readonly', clearInterval: 'readonly', setInterval: 'readonly', clearTimeout: 'readonly', performance: 'readonly', localStorage: 'readonly', axe: 'readonly' } } },
);
