import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { expectNoLeak, onEachBackend } from '../test/backends.js';
import { Parameter, tensorOf } from './parameter.js';

onEachBackend(() => {
  test('keeps its tensor through a tidy, and frees it with dispose', () => {
    expectNoLeak(() => {
      let parameter!: Parameter;
      tf.tidy(() => {
        parameter = new Parameter('w', tf.ones([2]));
      });
      expect(Array.from(parameter.value.dataSync())).toEqual([1, 1]);
      expect(tensorOf(parameter)).toBe(parameter.value);
      parameter.dispose();
      parameter.dispose();
      expect(() => parameter.value).toThrow(
        expect.objectContaining({
          code: 'DISPOSED',
          message: expect.stringContaining('w was used'),
        }),
      );
    });
  });

  test('assign frees the old value, keeps the new, and refuses another shape', () => {
    expectNoLeak(() => {
      const parameter = new Parameter('w', tf.ones([2]));
      const old = parameter.value;
      tf.tidy(() => parameter.assign(tf.tensor1d([3, 4])));
      expect(old.isDisposed).toBe(true);
      expect(Array.from(parameter.value.dataSync())).toEqual([3, 4]);
      parameter.assign(parameter.value);
      const wrong = tf.ones([3]);
      expect(() => parameter.assign(wrong)).toThrow(
        expect.objectContaining({
          code: 'WRONG_SHAPE',
          message: expect.stringMatching(/w is \[2\].*\[3\]/),
        }),
      );
      expect(Array.from(parameter.value.dataSync())).toEqual([3, 4]);
      tf.dispose([wrong]);
      parameter.dispose();
    });
  });
});
