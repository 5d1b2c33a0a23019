// The floors of the house: an import only ever points down. Lowest first; packages that share a
// floor do not know each other.
const floors = [
  ['tokenizers'],
  ['checkpoint'],
  ['nn'],
  ['attention'],
  ['wasm', 'testing'],
  ['training', 'generation', 'tasks', 'interpret'],
  ['bert', 'gpt', 'transformer-xl'],
  ['cli'],
];

// A family stands beside these, never on them: whoever wants speed, training or a task adds the
// package beside the family.
const besideFamilies = ['wasm', 'training', 'generation', 'tasks', 'interpret'];
const families = floors[6];
const src = (names) => `^packages/(${names.join('|')})/src/`;
const sources = { pathNot: '\\.test\\.ts$' };

const pointsDown = floors.flatMap((names, floor) =>
  names.map((name) => ({
    name: `${name}-points-down`,
    comment: 'An import only ever points to a lower floor (see .dependency-cruiser.cjs).',
    severity: 'error',
    from: { path: src([name]), ...sources },
    to: {
      path: src(
        floors
          .slice(floor)
          .flat()
          .filter((other) => other !== name),
      ),
    },
  })),
);

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    ...pointsDown,
    {
      name: 'families-stand-alone',
      severity: 'error',
      from: { path: src(families), ...sources },
      to: { path: src(besideFamilies) },
    },
    {
      name: 'no-tfjs-below-nn',
      severity: 'error',
      from: { path: src(['tokenizers', 'checkpoint']) },
      to: { path: '@tensorflow' },
    },
    {
      name: 'testing-is-for-tests',
      severity: 'error',
      from: { path: '^(packages|apps)/', pathNot: '\\.test\\.ts$|^packages/testing/' },
      to: { path: src(['testing']) },
    },
    {
      name: 'only-through-the-entry',
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: {
        path: '^packages/(?!$1/)[^/]+/(?!(src|dist)/index)',
        // An entry of its own: @multihead/tokenizers/pool.
        pathNot: '^packages/tokenizers/src/tokenizer-pool\\.ts$',
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|assembly|generated)/' },
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@multihead/source', 'import', 'require', 'node', 'default', 'types'],
    },
  },
};
