import { describe, expect, test } from '@jest/globals';
import {
  expectClose,
  expectCloseRelative,
  onEachBackend,
  runOp,
  type Values,
} from '../test/backends.js';
import { readCases } from '../test/fixtures.js';
import { activation } from './activations.js';

const cases = readCases('activations');

test('the fixture has every activation', () => {
  expect(cases.map(([name]) => name).sort()).toEqual(['gelu', 'gelu_new', 'relu', 'silu', 'tanh']);
});

test('the other names of an activation mean the same', () => {
  expect(activation('swish')).toBe(activation('silu'));
  expect(activation('gelu_fast')).toBe(activation('gelu_new'));
  expect(activation('gelu_pytorch_tanh')).toBe(activation('gelu_new'));
});

onEachBackend(() => {
  describe.each(cases)('%s', (name, fixture) => {
    const input = fixture.input!;

    test('equals PyTorch from −50 to 50: output within 1e-5, gradient within 1e-4', () => {
      const f = activation(name);
      const { output, gradients } = runOp(({ x }) => f(x), { x: input }, fixture.cotangent!);
      expectClose(output, fixture.output!, 1e-5);
      expectClose(gradients.x, fixture['grad/input']!, 1e-5);
      expectCloseRelative(gradients.x, fixture['grad/input']!, 1e-4);
    });

    test('takes any shape: a scalar, nothing, rank 4', () => {
      const f = activation(name);
      for (const shape of [[], [0, 3], [1, 2, 2, 2]]) {
        const size = shape.reduce((a, b) => a * b, 1);
        const cut = ({ values }: Values) => Array.from(values).slice(100, 100 + size);
        const part = { shape, values: cut(input) };
        const { output } = runOp(({ x }) => f(x), { x: part });
        expectClose(output, { shape, values: cut(fixture.output!) });
      }
    });
  });

  test('what is far out neither overflows nor becomes NaN', () => {
    for (const name of ['gelu', 'gelu_new', 'relu', 'tanh', 'silu']) {
      const x = { shape: [2], values: Float32Array.of(-1e4, 1e4) };
      const { output, gradients } = runOp(({ x }) => activation(name)(x), { x });
      const [low, high] = name === 'tanh' ? [-1, 1] : [0, 1e4];
      expect(Array.from(output.values, (v) => v + 0)).toEqual([low, high]);
      expect(Array.from(gradients.x.values).every(Number.isFinite)).toBe(true);
    }
  });
});

test('an unknown name is an error that lists the known ones', () => {
  expect(() => activation('swiglu')).toThrow(
    expect.objectContaining({
      code: 'BAD_CONFIG',
      message: expect.stringMatching(/swiglu.*gelu, .*gelu_new, .*relu, silu, swish, tanh/),
    }),
  );
  expect(() => activation('toString')).toThrow('not known');
});
