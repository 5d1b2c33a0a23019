// The page of `roofline.mjs --chromium`.
import { measureCeilings, measureProducts } from './ceilings.mjs';

globalThis.run = async (binaries) => {
  const say = (text) => console.log(text);
  await measureCeilings(binaries, say);
  await measureProducts(say);
};
