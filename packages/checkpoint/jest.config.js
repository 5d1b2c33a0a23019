import shared from '@multihead/jest-config';

// Many of these tests wait for the disk, whose speed must not decide them.
export default { ...shared, testTimeout: 60_000 };
