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
 * fields where they differ from it.
 */
export function writeFields(fields: object, original: JsonObject): JsonObject {
  const json: JsonObject = { ...original };
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) json[snakeCase(name)] = value as JsonValue;
  }
  return json;
}

/** `hiddenSize` → `hidden_size`. */
const snakeCase = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
