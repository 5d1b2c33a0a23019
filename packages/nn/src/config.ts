import type { JsonObject, JsonValue } from '@multihead/checkpoint';
import { ModelError } from './errors.js';

/**
 * Reads a configuration's known fields from `config.json`, whose names are the same in snake_case.
 * A field the file lacks has its default.
 *
 * @throws ModelError `BAD_CONFIG` where a field has another type than its default
 */
export function readFields<T extends object>(json: JsonObject, defaults: T): T {
  const fields = { ...defaults } as Record<string, unknown>;
  for (const [name, usual] of Object.entries(defaults)) {
    const value = json[snakeCase(name)];
    if (value === undefined || (value === null && usual !== null)) continue;
    if (usual !== null && value !== null && typeof value !== typeof usual) {
      throw new ModelError(
        'BAD_CONFIG',
        `${snakeCase(name)} is ${JSON.stringify(value)} in config.json; it must be a ${typeof usual}.`,
      );
    }
    fields[name] = value;
  }
  return fields as T;
}

/**
 * `config.json` again: what was read, unknown fields included and in the same order, with the known
 * fields where they differ from it. A field that the file left to its default stays out; where
 * nothing changed, it is the very object that was read, which is written as it was spelled.
 */
export function writeFields<T extends object>(
  fields: T,
  original: JsonObject | undefined,
  defaults: T,
): JsonObject {
  const changed = (Object.keys(defaults) as (keyof T & string)[]).filter((name) => {
    const key = snakeCase(name);
    if (original === undefined) return true;
    const read = original[key] ?? defaults[name]; // null too means the default
    return fields[name] !== read && fields[name] !== original[key];
  });
  if (original !== undefined && changed.length === 0) return original;
  const written = changed.map((name) => [snakeCase(name), fields[name] as JsonValue]);
  return { ...original, ...Object.fromEntries(written) };
}

/** `hiddenSize` → `hidden_size`. */
const snakeCase = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
