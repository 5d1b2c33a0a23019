export { type Distance, distance } from './closeness.js';
export { finiteDifference, type Slope } from './finite-differences.js';
export { camelCase, type Expected, type Fixture, openFixture } from './fixture.js';
export { expectParity, type ParityOptions } from './parity.js';
export {
  type Backend,
  testVariant,
  type Variant,
  type VariantForwardOptions,
  type VariantInputs,
  type VariantModel,
} from './variant.js';
