import { CheckpointError, type CheckpointErrorCode, quote } from './errors.js';

export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;
export type JsonObject = { [key: string]: JsonValue };

const deepest = 128;
const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const literals: readonly (readonly [string, JsonValue])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
  // Python's json module writes and reads these three, so they are found in real config files.
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
];

export interface JsonReaderOptions {
  file?: string | undefined;
  code?: CheckpointErrorCode;
  /** The code of the error for a key that stands twice; without it the last one counts, as in JSON.parse. */
  duplicateCode?: CheckpointErrorCode | undefined;
}

/**
 * Reads JSON piece by piece. JSON.parse hides what a checkpoint must not hide: keys that stand twice,
 * how a number was spelled, and `__proto__`; and it builds all of a hostile file before a look at it.
 */
export class JsonReader {
  #at = 0;
  #depth = 0;
  readonly #text: string;
  readonly #options: JsonReaderOptions;

  constructor(text: string, options: JsonReaderOptions = {}) {
    this.#text = text;
    this.#options = options;
  }

  /** Reads an object; `member` has to read the value of the key it is given. */
  object(member: (key: string) => void): void {
    const seen = new Set<string>();
    this.#list('{', '}', () => {
      const key = this.string();
      if (seen.has(key) && this.#options.duplicateCode) {
        const details = { file: this.#options.file, key };
        throw new CheckpointError(this.#options.duplicateCode, 'the key stands twice', details);
      }
      if (key === '__proto__') this.fail(`refusing the key ${quote(key)}`);
      seen.add(key);
      if (this.#peek() !== ':') this.fail(`expected ":" after the key ${quote(key)}`);
      this.#at++;
      member(key);
    });
  }

  /** Reads an array; `element` has to read one element. */
  array(element: () => void): void {
    this.#list('[', ']', element);
  }

  string(): string {
    if (this.#peek() !== '"') this.fail('expected a string');
    const start = this.#at++;
    for (let escaped = false; ; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (!(code >= 0x20)) this.fail('a string is not closed or has a control character in it');
      if (code === 0x5c) {
        escaped = true;
        this.#at++;
      } else if (code === 0x22) {
        const literal = this.#text.slice(start, ++this.#at);
        return escaped ? this.#unescape(literal) : literal.slice(1, -1);
      }
    }
  }

  /** The spelling of the number that stands here, or undefined. */
  number(): string | undefined {
    this.#peek();
    numberPattern.lastIndex = this.#at;
    const spelling = numberPattern.exec(this.#text)?.[0];
    if (spelling !== undefined) this.#at += spelling.length;
    return spelling;
  }

  /** Reads any value. `onNumber` hears each number's place (such as `/rope/0`) and spelling. */
  value(onNumber?: (path: string, spelling: string) => void, path = ''): JsonValue {
    const next = this.#peek();
    if (next === '"') return this.string();
    if (next === '{') {
      const object: JsonObject = {};
      this.object((key) => {
        object[key] = this.value(onNumber, `${path}/${key}`);
      });
      return object;
    }
    if (next === '[') {
      const array: JsonValue[] = [];
      this.array(() => {
        array.push(this.value(onNumber, `${path}/${array.length}`));
      });
      return array;
    }
    for (const [word, value] of literals) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      if (typeof value === 'number') onNumber?.(path, word);
      return value;
    }
    const spelling = this.number();
    if (spelling === undefined) this.fail('expected a value');
    onNumber?.(path, spelling);
    return Number(spelling);
  }

  /** Throws unless only white space is left. */
  end(): void {
    if (this.#peek() !== undefined) this.fail('something follows the end');
  }

  fail(reason: string): never {
    const near =
      this.#at < this.#text.length
        ? ` near ${quote(this.#text.slice(this.#at, this.#at + 20))}`
        : '';
    const { code = 'BAD_JSON', file } = this.#options;
    throw new CheckpointError(code, `not valid JSON: ${reason} at character ${this.#at}${near}`, {
      file,
    });
  }

  #list(open: string, close: string, item: () => void): void {
    if (this.#peek() !== open) this.fail(`expected "${open}"`);
    if (++this.#depth > deepest) this.fail(`nested more than ${deepest} deep`);
    this.#at++;
    if (this.#peek() === close) {
      this.#at++;
    } else {
      for (;;) {
        item();
        const next = this.#peek();
        if (next !== ',' && next !== close) this.fail(`expected "," or "${close}"`);
        this.#at++;
        if (next === close) break;
      }
    }
    this.#depth--;
  }

  #peek(): string | undefined {
    for (;;) {
      const next = this.#text[this.#at];
      if (next !== ' ' && next !== '\n' && next !== '\r' && next !== '\t') return next;
      this.#at++;
    }
  }

  #unescape(literal: string): string {
    try {
      return JSON.parse(literal) as string;
    } catch {
      return this.fail('a string has an unknown escape');
    }
  }
}

// The text each object was parsed from, so that an unchanged config is written as it was spelled.
const texts = new WeakMap<JsonObject, string>();

/**
 * Parses a JSON object, such as a config.json. A later `formatJson` of the same object gives the same
 * text again.
 *
 * @throws CheckpointError BAD_JSON, or HTML_INSTEAD_OF_JSON for a page in the place of the file.
 */
export function parseJson(text: string, file?: string, options?: JsonReaderOptions): JsonObject {
  if (/^\s*</.test(text)) throw htmlInstead(file);
  const reader = new JsonReader(text, { file, ...options });
  const value = reader.value();
  reader.end();
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new CheckpointError('BAD_JSON', 'holds no JSON object', { file });
  }
  texts.set(value, text);
  return value;
}

/**
 * The object as JSON with two spaces of indent and a newline at the end, as transformers writes it.
 * Numbers that stand at the same place with the same value in `like` keep their spelling, such as `1e-05`;
 * where nothing at all has changed, the text is that of `like`. `like` is a text or an object that `parseJson`
 * gave, by default the object itself: a changed copy is best written as `formatJson(copy, original)`.
 *
 * @throws CheckpointError BAD_JSON for what JSON cannot hold, such as NaN or a function.
 */
export function formatJson(value: JsonObject, like: string | JsonObject = value): string {
  const text = typeof like === 'string' ? like : texts.get(like);
  const spellings = new Map<string, string>();
  if (text !== undefined) {
    const reader = new JsonReader(text);
    const before = reader.value((path, spelling) => spellings.set(path, spelling));
    if (format(before, spellings, '', '') === format(value, spellings, '', '')) return text;
  }
  return `${format(value, spellings, '', '')}\n`;
}

function format(
  value: JsonValue,
  spellings: ReadonlyMap<string, string>,
  path: string,
  indent: string,
): string {
  if (typeof value === 'number') {
    const spelling = spellings.get(path);
    if (spelling !== undefined && Object.is(Number(spelling), value)) return spelling;
    if (Number.isFinite(value)) return Object.is(value, -0) ? '-0.0' : String(value);
  }
  if (value === null || typeof value === 'string' || typeof value === 'boolean') {
    return JSON.stringify(value);
  }
  if (typeof value !== 'object') {
    const reason = `JSON cannot hold ${typeof value === 'number' ? value : `a ${typeof value}`}`;
    throw new CheckpointError('BAD_JSON', reason, { key: path });
  }
  const isArray = Array.isArray(value);
  const inner = `${indent}  `;
  const items = isArray
    ? value.map((item, i) => format(item, spellings, `${path}/${i}`, inner))
    : Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(
          ([key, item]) =>
            `${JSON.stringify(key)}: ${format(item, spellings, `${path}/${key}`, inner)}`,
        );
  const [open, close] = isArray ? '[]' : '{}';
  if (items.length === 0) return `${open}${close}`;
  return `${open}\n${inner}${items.join(`,\n${inner}`)}\n${indent}${close}`;
}

export function htmlInstead(file: string | undefined): CheckpointError {
  const reason =
    'an HTML page came in place of the file: the server answers missing files with a page, or the address is wrong';
  return new CheckpointError('HTML_INSTEAD_OF_JSON', reason, { file });
}
