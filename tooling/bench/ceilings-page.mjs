// The page of `roofline.mjs --chromium`.
import { measureCeilings } from './ceilings.mjs';

globalThis.run = (binaries) => measureCeilings(binaries, (text) => console.log(text));
