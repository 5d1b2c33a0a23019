import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { expectNoLeak, numTensors, onEachBackend } from '../test/backends.js';
import { modelOutput } from './outputs.js';

onEachBackend(() => {
  const forward = () =>
    modelOutput(() => {
      const x = tf.ones([2]);
      const y = tf.mul(x, 2);
      return { lastHiddenState: y, hiddenStates: [x, y], loss: tf.sum(y) };
    });

  test('frees what is not returned at once, and the rest with dispose', () => {
    expectNoLeak(() => {
      const before = numTensors();
      const outputs = forward();
      expect(numTensors()).toBe(before + 3);
      expect(Object.keys(outputs)).toEqual(['lastHiddenState', 'hiddenStates', 'loss']);
      outputs.dispose();
      outputs.dispose();
    });
  });

  test('using frees it at the end of the block', () => {
    expectNoLeak(() => {
      using outputs = forward();
      expect(outputs.loss.dataSync()[0]).toBe(4);
    });
  });

  test('a forward pass that throws leaves nothing', () => {
    expectNoLeak(() =>
      expect(() =>
        modelOutput(() => {
          tf.ones([2]);
          throw new Error('no');
        }),
      ).toThrow('no'),
    );
  });
});
