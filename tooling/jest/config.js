// The one jest configuration: ES modules, TypeScript through swc, and workspace packages read from
// their sources (the `@multihead/source` export condition), so that tests need no build of theirs.
import { fileURLToPath } from 'node:url';

const here = (specifier) => fileURLToPath(import.meta.resolve(specifier));

export default {
  // A slow disk or a busy machine never decides a test.
  testTimeout: 300_000,
  testEnvironment: here('./environment.mjs'),
  testEnvironmentOptions: { customExportConditions: ['@multihead/source', 'node', 'node-addons'] },
  testMatch: ['<rootDir>/{src,test}/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      here('@swc/jest'),
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
};
