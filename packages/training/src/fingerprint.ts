import type { JsonObject, JsonValue } from '@multihead/checkpoint';
import type { Model } from '@multihead/nn';
import { type Collate, collateAt, type Dataset } from './batches.js';
import { disposeBatch, isTensor } from './labels.js';

/** How many examples are looked at to tell one dataset from another. */
const PROBES = 256;

/** Tells values apart, whatever they are made of: 16 hexadecimal digits. Not for secrets. */
async function fingerprint(value: unknown): Promise<string> {
  const digest = new Digest();
  await feed(digest, value);
  return digest.toString();
}

/** Of a model: its configuration, its weights' shapes, and which of them learn. */
export function fingerprintModel(model: Model): Promise<string> {
  const shapes = [...model.parameters.values()]
    .map(({ path, shape, trainable }) => [path, [...shape], trainable] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return fingerprint([model.config.toJson(), shapes]);
}

/**
 * Of a dataset as its collator sees it: the batch of up to 256 examples, spread evenly over it. So a
 * change of tokenizer or of the collator's options shows, too.
 */
export async function fingerprintData<Example, Batch>(
  dataset: Dataset<Example>,
  collate: Collate<Example, Batch>,
): Promise<string> {
  const count = Math.min(PROBES, dataset.length);
  const places = Array.from({ length: count }, (_, i) => ({
    epoch: 0,
    index: Math.floor((i * dataset.length) / count),
  }));
  const batch = await collateAt(dataset, collate, 0, places);
  try {
    return await fingerprint(batch);
  } finally {
    disposeBatch(batch);
  }
}

/** What differs between two settings, one line a field: `batchSize was 8 and is 16`. */
export function differences(was: JsonValue, is: JsonValue, path = ''): string[] {
  if (isObject(was) && isObject(is)) {
    const keys = new Set([...Object.keys(was), ...Object.keys(is)]);
    return [...keys].flatMap((key) =>
      differences(was[key] ?? null, is[key] ?? null, path === '' ? key : `${path}.${key}`),
    );
  }
  const [before, now] = [JSON.stringify(was), JSON.stringify(is)];
  return before === now ? [] : [`${path} was ${before} and is ${now}`];
}

const isObject = (value: JsonValue): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

async function feed(digest: Digest, value: unknown): Promise<void> {
  if (typeof value === 'number') return digest.number(value);
  if (typeof value !== 'object' || value === null)
    return digest.text(`${typeof value} ${String(value)}`);
  if (isTensor(value)) return feed(digest, [value.dtype, value.shape, await value.data()]);
  if (ArrayBuffer.isView(value) || Array.isArray(value)) {
    const items = value as unknown as ArrayLike<unknown>;
    digest.text(`${items.length} items`);
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      if (typeof item === 'number') digest.number(item);
      else await feed(digest, item);
    }
    return;
  }
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  digest.text(`${entries.length} entries`);
  for (const [key, item] of entries) {
    digest.text(key);
    await feed(digest, item);
  }
}

/** Two multiplicative hashes of 32 bits, side by side. */
class Digest {
  #a = 0x243f6a88;
  #b = 0x85a308d3;
  readonly #float = new Float64Array(1);
  readonly #bits = new Int32Array(this.#float.buffer);

  text(text: string): void {
    this.#add(text.length);
    for (let i = 0; i < text.length; i++) this.#add(text.charCodeAt(i));
  }

  number(value: number): void {
    this.#float[0] = value;
    this.#add(this.#bits[0]!);
    this.#add(this.#bits[1]!);
  }

  #add(bits: number): void {
    this.#a = Math.imul(this.#a ^ bits, 0x9e3779b1);
    this.#a ^= this.#a >>> 15;
    this.#b = Math.imul(this.#b + bits, 0x85ebca6b);
    this.#b ^= this.#b >>> 13;
  }

  toString(): string {
    return [this.#a, this.#b].map((h) => (h >>> 0).toString(16).padStart(8, '0')).join('');
  }
}
