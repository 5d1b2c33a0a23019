import { badFile } from './errors.js';
import type { Json } from './pipeline.js';

export function isObject(json: unknown): json is Json {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** The JSON object a file holds. */
export function parseJson(name: string, text: string): Json {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    badFile(`${name}: not JSON (${(cause as Error).message})`, cause);
  }
  return isObject(json) ? json : badFile(`${name}: not a JSON object`);
}
