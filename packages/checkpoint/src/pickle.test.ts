import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { pickleOf, textOf, u32, u64 } from '../test/pickle-writer.js';
import { readPlainPickle } from './pickle-calls.js';
import { PickledName, PickledObject, type PickleValue } from './pickle-values.js';

interface Case {
  expected: unknown;
  refused: string;
  protocols: string[];
}

const written = JSON.parse(
  await readFile(new URL('../fixtures/torch/pickles.json', import.meta.url), 'utf8'),
) as { values: Case; classes: Record<string, Case>; attacks: Record<string, Case> };
const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));

/** A value as the fixture's JSON spells it. */
function spelled(value: PickleValue): unknown {
  if (Array.isArray(value)) return value.map(spelled);
  if (value instanceof Map) return { dict: pairs(value) };
  if (value instanceof Set) return { set: [...value].map(spelled) };
  if (value instanceof Uint8Array) return { bytes: [...value] };
  if (value instanceof PickledObject) {
    return { object: value.className, state: pairs(value.state) };
  }
  return value;
}
const pairs = (map: Map<PickleValue, PickleValue>) =>
  Array.from(map, ([key, value]) => [spelled(key), spelled(value)]);

/** How a pickle is refused. */
function refusal(bytes: Uint8Array): { code: string; message: string } {
  try {
    readPlainPickle(bytes, 'evil.pkl');
  } catch (error) {
    expect(error).toMatchObject({ name: 'CheckpointError' });
    return error as { code: string; message: string };
  }
  throw new Error('it was read');
}

describe('pickles that Python wrote', () => {
  test.each([0, 1, 2, 3, 4, 5])('plain values in protocol %i', (protocol) => {
    const value = readPlainPickle(bytesOf(written.values.protocols[protocol]!));
    expect(spelled(value)).toEqual(written.values.expected);
    // What was one object is one here.
    expect(new Set((value as Map<string, PickleValue[]>).get('shared')).size).toBe(1);
  });

  test.each(Object.entries(written.classes))(
    '%s in every protocol',
    (_, { expected, protocols }) => {
      for (const protocol of protocols) {
        expect(spelled(readPlainPickle(bytesOf(protocol)))).toEqual(expected);
      }
    },
  );
});

describe('what would run something is refused by its name', () => {
  test.each(Object.entries(written.attacks))('%s', (_, { refused, protocols }) => {
    for (const protocol of protocols) {
      expect(refusal(bytesOf(protocol))).toMatchObject({
        code: 'PICKLE_REFUSED',
        message: expect.stringContaining(`would call "${refused}"`),
      });
    }
  });

  test.each<[string, Uint8Array, string]>([
    ['INST', pickleOf("(S'rm'\nios\nsystem\n."), 'INST at byte 7, would call "os.system"'],
    ['OBJ', pickleOf("(cos\nsystem\nS'rm'\no."), 'OBJ at byte 18, would call "os.system"'],
    ['NEWOBJ', pickleOf("cos\nsystem\nS'rm'\n", 0x85, 0x81, '.'), 'NEWOBJ'],
    ['NEWOBJ with keywords', pickleOf('cos\nsystem\n)}I1\nI1\ns', 0x92, '.'), 'NEWOBJ_EX'],
    ['a name from the stack', pickleOf(textOf('os'), textOf('system'), 0x93, ')R.'), '"os.system"'],
    [
      'a made-up name of an allowed one',
      pickleOf('ccollections\nOrderedDict.__init__\n)R.'),
      '__init__',
    ],
    ['what objects inherit', pickleOf('c\nconstructor\n)R.'), '".constructor"'],
    ['an extension', pickleOf(0x82, 1, '.'), 'EXT1'],
    ['a persistent id', pickleOf(textOf('x'), 'Q.'), 'BINPERSID'],
    ['a persistent id as text', pickleOf('Px\n.'), 'PERSID'],
    ['a buffer from elsewhere', pickleOf(0x97, '.'), 'NEXT_BUFFER'],
    [
      'a call of an allowed name with other arguments',
      pickleOf('c_codecs\nencode\n', textOf('a'), textOf('rot13'), 0x86, 'R.'),
      '"_codecs.encode"',
    ],
    [
      'an object made of another base',
      pickleOf('ccopy_reg\n_reconstructor\n(cos\nsystem\ncos\nsystem\nNtR.'),
      '"copyreg._reconstructor"',
    ],
  ])('%s', (_, bytes, reason) => {
    const { code, message } = refusal(bytes);
    expect(message).toContain('evil.pkl: ');
    expect(message).toContain(reason);
    expect(code).toBe('PICKLE_REFUSED');
  });

  test('a name alone is only a name, an object only a record', () => {
    expect(readPlainPickle(pickleOf('cos\nsystem\n.'))).toEqual(new PickledName('os.system'));
    const made = readPlainPickle(pickleOf('ca.b\nC\n)', 0x81, '}', textOf('__proto__'), 'I7\nsb.'));
    expect(made).toBeInstanceOf(PickledObject);
    expect(spelled(made)).toEqual({ object: 'a.b.C', state: [['__proto__', 7]] });
    expect(Object.getPrototypeOf(made)).toBe(PickledObject.prototype);
  });
});

describe('bombs', () => {
  const repeat = (part: Uint8Array, count: number) =>
    Uint8Array.from({ length: part.length * count }, (_, i) => part[i % part.length]!);

  test.each<[string, () => Uint8Array, string]>([
    ['a million marks', () => pickleOf(repeat(pickleOf('('), 1 << 18), '.'), 'BAD_PICKLE'],
    ['a text longer than the file', () => pickleOf('X', u32(0xffffffff), 'a.'), 'TRUNCATED'],
    ['a text of 2^63 bytes', () => pickleOf(0x8d, u64(1n << 63n), 'a.'), 'TRUNCATED'],
    ['bytes of 2^32 bytes', () => pickleOf(0x8e, u64(1n << 32n), 'a.'), 'TRUNCATED'],
    ['a number of 2^31 bytes', () => pickleOf(0x8b, u32(0x7fffffff), 'a.'), 'BAD_PICKLE'],
    [
      'a number of 10,000 digits',
      () => pickleOf('L', repeat(pickleOf('9'), 10_000), 'L\n.'),
      'BAD_PICKLE',
    ],
    ['lists without end', () => pickleOf(repeat(pickleOf(']'), (1 << 22) + 1), '.'), 'TOO_LARGE'],
    [
      'dicts that would take 200 times the file',
      () => pickleOf(repeat(pickleOf('}'), 1 << 19), '.'),
      'TOO_LARGE',
    ],
    ['dicts without end', () => pickleOf(repeat(pickleOf('}'), (1 << 20) + 1), '.'), 'TOO_LARGE'],
    [
      'places in the memo without end',
      () => pickleOf('N', repeat(pickleOf(0x94), (1 << 22) + 1), '.'),
      'TOO_LARGE',
    ],
    [
      'copies of a large dict',
      () =>
        pickleOf(
          '}(',
          ...Array.from({ length: 256 }, (_, i) => pickleOf('K', i, 'N')),
          'uq\x00ccollections\nCounter\nq\x01',
          repeat(pickleOf('h\x01h\x00', 0x85, 'R'), 2000),
          '.',
        ),
      'TOO_LARGE',
    ],
    [
      'copies of a long text',
      () =>
        pickleOf(
          textOf('a'.repeat(10_000)),
          'q\x00c_codecs\nencode\nq\x01',
          textOf('latin1'),
          'q\x02',
          repeat(pickleOf('h\x01h\x00h\x02', 0x86, 'R'), 1000),
          '.',
        ),
      'TOO_LARGE',
    ],
    ['nothing on the stack', () => pickleOf('.'), 'BAD_PICKLE'],
    ['values from below a mark', () => pickleOf('N(0'), 'TRUNCATED'],
    ['no mark', () => pickleOf('Nt.'), 'BAD_PICKLE'],
    ['nothing in the memo', () => pickleOf('h\x05.'), 'BAD_PICKLE'],
    ['a key without a value', () => pickleOf('}(Nu.'), 'BAD_PICKLE'],
    ['an append to None', () => pickleOf('NNa.'), 'BAD_PICKLE'],
    ['a later protocol', () => pickleOf(0x80, 6, 'N.'), 'BAD_PICKLE'],
    ['no opcode', () => pickleOf(0xff), 'BAD_PICKLE'],
    ['invalid UTF-8', () => pickleOf('X', u32(1), 0xff, '.'), 'BAD_PICKLE'],
    ['no end', () => pickleOf('N'), 'TRUNCATED'],
  ])('%s', (_, bytes, code) => {
    expect(refusal(bytes()).code).toBe(code);
  });

  test('a memo counted from 1, as Python 2 does it, has nothing at 0', () => {
    expect(readPlainPickle(pickleOf('K\x07q\x01K\x08q\x02h\x01', 0x86, '.'))).toEqual([8, 7]);
    expect(refusal(pickleOf('Nq\x01h\x00.')).code).toBe('BAD_PICKLE');
  });

  test('a memo of places far apart and lists a hundred thousand deep take no more than they say', () => {
    const places = Array.from({ length: 1000 }, (_, i) => pickleOf('r', u32(0xffffffff - i)));
    expect(readPlainPickle(pickleOf('N', ...places, '.'))).toBeNull();
    let depth = 0;
    let value = readPlainPickle(pickleOf(']', repeat(pickleOf(0x85), 100_000), '.'));
    for (; Array.isArray(value) && value.length > 0; depth++) value = value[0]!;
    expect(depth).toBe(100_000);
  });

  test('a dict set entry by entry, as protocol 0 does it, may have more than a million of them', () => {
    const count = 1_100_000;
    const entry = (id: number) => pickleOf('K', id % 256, 'Ns');
    const dict = pickleOf('}', repeat(entry(7), count), '.');
    expect(readPlainPickle(dict)).toEqual(new Map([[7, null]]));
  });

  test('a billion laughs are sixty lists, and a list in itself ends', () => {
    const laughs = pickleOf(
      ']q\x00',
      repeat(pickleOf('(h\x00h\x00h\x00h\x00h\x00h\x00h\x00h\x00h\x00h\x00lq\x00'), 60),
      '.',
    );
    expect(readPlainPickle(laughs)).toHaveLength(10);
    const self = readPlainPickle(pickleOf(']q\x00h\x00a.')) as PickleValue[];
    expect(self[0]).toBe(self);
  });
});

test('whatever the bytes, a pickle is read or refused', () => {
  const all = [written.values, ...Object.values(written.classes)].flatMap((one) => one.protocols);
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
  const outcomes = { read: 0, refused: 0 };
  const attempt = (bytes: Uint8Array) => {
    try {
      readPlainPickle(bytes);
      outcomes.read++;
    } catch (error) {
      expect((error as Error).name).toBe('CheckpointError');
      outcomes.refused++;
    }
  };
  fc.assert(
    fc.property(fc.constantFrom(...all), changes, (base64, changes) => {
      const bytes = bytesOf(base64);
      for (const [at, value] of changes) bytes[at % bytes.byteLength] = value;
      attempt(bytes);
      attempt(bytes.subarray(0, changes[0]![0] % bytes.byteLength));
    }),
    { numRuns: 3000 },
  );
  // Of nothing but opcodes, so that the deeper ones are reached.
  const opcodes = [...'.()012FGIJKLMNRSTUVXabceghijloqrstu]}BCQ'].map((char) => char.charCodeAt(0));
  const soup = fc.array(
    fc.constantFrom(
      ...opcodes,
      0x80,
      0x81,
      0x85,
      0x86,
      0x87,
      0x88,
      0x8f,
      0x90,
      0x91,
      0x93,
      0x94,
      10,
    ),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(soup, (bytes) => attempt(Uint8Array.from(bytes))),
    { numRuns: 3000 },
  );
  expect(outcomes.read).toBeGreaterThan(50);
  expect(outcomes.refused).toBeGreaterThan(50);
});
