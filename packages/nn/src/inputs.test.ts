import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { expectNoLeak, numTensors, onEachBackend } from '../test/backends.js';
import { type Ids, type IdsOptions, idsToTensor, packIds } from './inputs.js';

onEachBackend(() => {
  test.each<[string, () => Ids, number[], number[]]>([
    ['one row', () => [1, 2, 3], [1, 3], [1, 2, 3]],
    [
      'rows',
      () => [
        [1, 2],
        [3, 4],
      ],
      [2, 2],
      [1, 2, 3, 4],
    ],
    ['a typed row', () => Uint16Array.of(5, 6), [1, 2], [5, 6]],
    ['typed rows', () => [Int32Array.of(5), Int32Array.of(6)], [2, 1], [5, 6]],
    ['64-bit ids', () => BigInt64Array.of(7n, 8n) as unknown as Ids, [1, 2], [7, 8]],
    ['a tensor of rank 1', () => tf.tensor1d([1, 2], 'int32'), [1, 2], [1, 2]],
    ['a float tensor of rank 2', () => tf.tensor2d([[1], [2]]), [2, 1], [1, 2]],
  ])('%s', (_, make, shape, values) => {
    const ids = make();
    const before = numTensors();
    const tensor = idsToTensor(ids, 'inputIds', { end: 10 });
    expect(numTensors()).toBe(before + 1);
    expect(tensor.dtype).toBe('int32');
    expect(tensor.shape).toEqual(shape);
    expect(Array.from(tensor.dataSync())).toEqual(values);
    tensor.dispose();
    if (ids instanceof tf.Tensor) ids.dispose();
  });

  test('labels may have the ignored value', () => {
    const labels = idsToTensor([-100, 3], 'labels', { end: 4, ignoreIndex: -100 });
    expect(Array.from(labels.dataSync())).toEqual([-100, 3]);
    labels.dispose();
  });

  const end = { end: 10 };
  test.each<[string, unknown, IdsOptions, string, RegExp]>([
    [
      'an id past the end',
      [
        [1, 2],
        [3, 10],
      ],
      end,
      'ID_OUT_OF_RANGE',
      /^ids\[1\]\[1\] is 10; .* 0 to 9\./,
    ],
    ['a negative id', [-1], end, 'ID_OUT_OF_RANGE', /^ids\[0\]\[0\] is -1;/],
    [
      'another ignored value',
      [-1],
      { end: 10, ignoreIndex: -100 },
      'ID_OUT_OF_RANGE',
      /0 to 9 or -100/,
    ],
    ['a fraction', [1, 1.5], end, 'BAD_INPUT', /^ids\[0\]\[1\] is 1\.5, .*no whole number/],
    ['NaN', [Number.NaN], end, 'BAD_INPUT', /NaN/],
    ['a hole', [1, undefined], end, 'BAD_INPUT', /^ids\[0\]\[1\] is NaN/],
    ['null', [null], end, 'BAD_INPUT', /^ids\[0\]\[0\] is NaN/],
    [
      'ragged rows',
      [[1, 2], [3]],
      end,
      'BAD_INPUT',
      /^ids\[1\] has 1 entries and ids\[0\] has 2; pad/,
    ],
    ['a row that is none', [[1], 2], end, 'BAD_INPUT', /^ids\[1\] has no entries/],
    ['nothing', [], end, 'BAD_INPUT', /^ids is empty/],
    ['an empty row', [[]], end, 'BAD_INPUT', /^ids is empty/],
    [
      'undefined',
      undefined,
      end,
      'BAD_INPUT',
      /^ids must be ids in rows or a tensor, not undefined/,
    ],
    ['text', 'hello', end, 'BAD_INPUT', /not hello/],
    [
      'another shape than inputIds',
      [1, 2],
      { end: 10, shape: [1, 3] },
      'WRONG_SHAPE',
      /\[1,2\].*\[1,3\]/,
    ],
  ])('%s is an error that says where', (_, ids, options, code, message) => {
    expectNoLeak(() =>
      expect(() => idsToTensor(ids as Ids, 'ids', options)).toThrow(
        expect.objectContaining({
          name: 'ModelError',
          code,
          message: expect.stringMatching(message),
        }),
      ),
    );
  });

  test('a tensor of rank 3 is an error', () => {
    const ids = tf.zeros([1, 2, 3], 'int32');
    expect(() => idsToTensor(ids, 'ids', end)).toThrow(
      expect.objectContaining({ code: 'WRONG_SHAPE', message: expect.stringMatching(/\[1,2,3\]/) }),
    );
    ids.dispose();
  });
});

test('rows of any length are laid end to end', () => {
  const packed = packIds([[1, 2, 3], Uint16Array.of(4), [5, 6]], 'inputIds', { end: 10 });
  expect(packed).toEqual({ ids: Int32Array.of(1, 2, 3, 4, 5, 6), lengths: [3, 1, 2] });
  expect(
    packIds(
      tf.tensor2d([
        [1, 2],
        [3, 4],
      ]),
      'x',
      { end: 5 },
    ).lengths,
  ).toEqual([2, 2]);
  expect(packIds([7n, 8n] as never, 'x', { end: 9 }).ids).toEqual(Int32Array.of(7, 8));
  const labels = packIds([[-100], [2]], 'labels', { end: 3, ignoreIndex: -100, lengths: [1, 1] });
  expect(labels.ids).toEqual(Int32Array.of(-100, 2));
});

test.each<[unknown, object, string, RegExp]>([
  [[[1], [2, 5]], {}, 'ID_OUT_OF_RANGE', /x\[1\]\[1\] is 5/],
  [[[1], [2, 0.5]], {}, 'BAD_INPUT', /x\[1\]\[1\] is 0.5/],
  [[[1], []], {}, 'BAD_INPUT', /x\[1\] is empty/],
  [[[1], undefined], {}, 'BAD_INPUT', /x\[1\] is empty/],
  [[[1], [2]], { lengths: [1, 2] }, 'WRONG_SHAPE', /\[1,1\] long.*\[1,2\]/],
  ['text', {}, 'BAD_INPUT', /must be ids/],
])('packing %j is refused', (ids, options, code, message) => {
  const pack = () => packIds(ids as Ids, 'x', { end: 5, ...options });
  expect(pack).toThrow(expect.objectContaining({ code }));
  expect(pack).toThrow(message);
});
