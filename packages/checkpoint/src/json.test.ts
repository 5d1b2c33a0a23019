import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatJson, type JsonObject, parseJson } from './index.js';

describe('parseJson', () => {
  test('reads any JSON object as JSON.parse does', () => {
    const safe = fc.jsonValue().filter((value) => !JSON.stringify(value).includes('__proto__'));
    fc.assert(
      fc.property(safe, fc.constantFrom(0, 2, '\t'), (value, indent) => {
        const text = JSON.stringify({ value }, null, indent);
        expect(parseJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  test('accepts of changed texts only what JSON.parse accepts, and never hangs', () => {
    const text = '{"a": [1, -2.5e-3, "x\\u00e9\\n", {"b": null}], "c": true}';
    const edit = fc.record({
      at: fc.nat(text.length),
      cut: fc.nat(3),
      put: fc.string({ maxLength: 3 }),
    });
    fc.assert(
      fc.property(edit, ({ at, cut, put }) => {
        const changed = text.slice(0, at) + put + text.slice(at + cut);
        let expected: unknown;
        try {
          expected = JSON.parse(changed);
        } catch {
          expect(() => parseJson(changed)).toThrow(
            expect.objectContaining({ name: 'CheckpointError' }),
          );
          return;
        }
        if (typeof expected === 'object' && expected !== null && !Array.isArray(expected)) {
          expect(parseJson(changed)).toEqual(expected);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('reads the NaN and Infinity that Python writes', () => {
    expect(parseJson('{"a": [NaN, Infinity, -Infinity]}')).toEqual({
      a: [NaN, Infinity, -Infinity],
    });
  });

  test.each([
    ['<!DOCTYPE html><html>', 'HTML_INSTEAD_OF_JSON', 'an HTML page came in place of the file'],
    ['[1]', 'BAD_JSON', 'holds no JSON object'],
    ['{"a": 1,}', 'BAD_JSON', 'expected a string at character 8'],
    ['{"a": 01}', 'BAD_JSON', 'expected "," or "}"'],
    ['{"a": "\n"}', 'BAD_JSON', 'control character'],
    ['{"a": "\\x"}', 'BAD_JSON', 'unknown escape'],
    ['{"__proto__": {"x": 1}}', 'BAD_JSON', 'refusing the key "__proto__"'],
    ['{"a": 1} b', 'BAD_JSON', 'something follows the end'],
    [`${'{"a":'.repeat(1000)}1`, 'BAD_JSON', 'nested more than 128 deep'],
    ['', 'BAD_JSON', 'expected a value'],
  ])('refuses %j', (text, code, message) => {
    expect(() => parseJson(text, 'config.json')).toThrow(expect.objectContaining({ code }));
    expect(() => parseJson(text, 'config.json')).toThrow(message);
    expect(() => parseJson(text, 'config.json')).toThrow(/^config\.json: /);
  });
});

describe('formatJson', () => {
  const text =
    '{"eps": 1e-05,\n "big": 1000000000000000019884624838656, "one": 1.0, "list": [2.50, 3], "z": {"1": "a", "0": "b"}}\n';

  test('gives an object that was not changed its own text again', () => {
    expect(formatJson(parseJson(text))).toBe(text);
    expect(formatJson(JSON.parse(text), text)).toBe(text);
  });

  test('keeps the spelling of what was not changed, and the order of keys', () => {
    const config = parseJson(text);
    const changed: JsonObject = { ...config, one: 2, list: [2.5, 4, 1e-7], added: { x: -0 } };
    expect(formatJson(changed, config)).toBe(`{
  "eps": 1e-05,
  "big": 1000000000000000019884624838656,
  "one": 2,
  "list": [
    2.50,
    4,
    1e-7
  ],
  "z": {
    "0": "b",
    "1": "a"
  },
  "added": {
    "x": -0.0
  }
}
`);
    config.one = 3;
    expect(formatJson(config)).toContain('"eps": 1e-05');
    expect(formatJson(config)).toContain('"one": 3,');
  });

  test('what it writes is read again as the same value', () => {
    const safe = fc.jsonValue().filter((value) => !JSON.stringify(value).includes('__proto__'));
    fc.assert(
      fc.property(safe, (value) => {
        const object = { value } as JsonObject;
        expect(JSON.parse(formatJson(object))).toEqual(object);
      }),
    );
  });

  test('refuses what JSON cannot hold', () => {
    expect(() => formatJson({ a: [Number.NaN] })).toThrow('"/a/0": JSON cannot hold NaN');
    expect(() => formatJson({ a: (() => 1) as never })).toThrow('JSON cannot hold a function');
  });
});
