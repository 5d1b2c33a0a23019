export { type Distance, distance } from './closeness.js';
export { finiteDifference, type Slope } from './finite-differences.js';
export { camelCase, type Expected, type Fixture, openFixture } from './fixture.js';
export { expectParity, type ParityOptions } from './parity.js';
export { type Backend, testVariant, type Variant } from './variant.js';
export type { VariantForwardOptions, VariantInputs, VariantModel } from './variant-model.js';
