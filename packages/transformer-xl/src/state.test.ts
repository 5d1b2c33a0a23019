import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Weights } from '@multihead/nn';
import { distance } from '@multihead/testing';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { TransfoXLConfig, type TransfoXLConfigFields, TransfoXLLMHeadModel } from './index.js';

const tiny = {
  ...{ vocabSize: 23, dModel: 8, dEmbed: 8, nHead: 2, dHead: 3, dInner: 10, nLayer: 2 },
  ...{ memLen: 6, clampLen: -1, sameLength: false, initStd: 0.5 },
};
const configurations: Record<string, Partial<TransfoXLConfigFields>> = {
  sinusoids: {},
  'sinusoids, clamped, each token seeing as many, with norms before and common biases': {
    ...{ clampLen: 4, sameLength: true, preLnorm: true, untieR: false },
  },
  'nothing remembered to begin with': { emptyStart: true },
  'no memory': { memLen: 0 },
  'learnt distances': { attnType: 1, tgtLen: 2 },
  'absolute positions': { attnType: 2 },
  'learnt positions': { attnType: 3, dHead: 4 },
};

const idsOf = (length: number, from: number) =>
  [0, 1].map((row) => Array.from({ length }, (_, i) => ((from + i) * 7 + row * 11) % 23));

describe.each([
  { backend: 'cpu', start: () => tf.setBackend('cpu') },
  { backend: 'wasm', start: () => useWasm({ kernels: false }) },
  { backend: 'wasm with kernels', start: () => useWasm() },
])('on $backend', ({ start }) => {
  beforeAll(async () => void (await start()));

  test.each(Object.entries(configurations))(
    '%s: steps with a state give what passes give that remember hidden states',
    (_, fields) => {
      const before = tf.memory().numTensors;
      const config = new TransfoXLConfig({ ...tiny, ...fields });
      const model = new TransfoXLLMHeadModel(config, new Weights({ seed: 1 }));
      const state = model.createState({ batch: 2 });
      let mems = config.emptyStart ? model.initMems(2, 0) : model.initMems(2);
      const after = (next: tf.Tensor[]) => {
        const kept = next.map((mem) => mem.clone());
        tf.dispose(mems);
        mems = kept;
      };
      [3, 1, 1, 1, 7, 2, 1, 15, 1, 1, 1, 1].forEach((length, i) => {
        const inputIds = idsOf(length, 5 * i);
        using whole = model.forward({ inputIds, mems });
        using step = model.step(inputIds, state, { allLogits: true });
        expect(distance(step.logits.dataSync(), whole.logits.dataSync()).absolute).toBeLessThan(
          1e-5,
        );
        if (whole.mems) after(whole.mems);
        if (i % 4 !== 1) return;
        state.select([1, 0]);
        const turned = mems.map((mem) => (mem.size > 0 ? tf.reverse(mem, 0) : mem.clone()));
        after(turned);
        tf.dispose(turned);
      });
      for (const one of [state, model]) one.dispose();
      tf.dispose(mems);
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  test('a step that fails in the midst of the layers leaves the state as it was', () => {
    const model = new TransfoXLLMHeadModel(new TransfoXLConfig(tiny), new Weights({ seed: 1 }));
    using state = model.createState({ batch: 2 });
    using other = model.createState({ batch: 2 });
    for (const one of [state, other]) model.step(idsOf(4, 0), one).dispose();
    const before = tf.memory().numTensors;
    const spy = jest.spyOn(model.transformer.layers[1]!, 'forward').mockImplementation(() => {
      throw new Error('no room');
    });
    expect(() => model.step(idsOf(2, 9), state)).toThrow('no room');
    spy.mockRestore();
    expect(tf.memory().numTensors).toBe(before);
    const [found, wanted] = [state, other].map((one) => {
      using outputs = model.step(idsOf(3, 4), one);
      return outputs.logits.dataSync().slice();
    });
    expect(found).toEqual(wanted);
    model.dispose();
  });
});
