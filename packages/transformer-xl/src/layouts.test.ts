import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadFolder, readSafetensors, toFloat32, toInt32 } from '@multihead/checkpoint';
import { distance } from '@multihead/testing';
import { useWasm } from '@multihead/wasm';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { TransfoXLLMHeadModel, TransfoXLModel } from './index.js';

const backends = [
  { backend: 'cpu', start: () => tf.setBackend('cpu') },
  { backend: 'wasm', start: () => useWasm() },
];

/** NumPy's file of one array, as numbers. */
function readNpy(path: string): { shape: number[]; values: number[] } {
  const bytes = readFileSync(path);
  const headerLength = bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, 10 + headerLength);
  const shape = /'shape': \(([^)]*)\)/.exec(header)![1]!.split(',').filter(Boolean).map(Number); // biome-ignore format: one line
  const data = bytes.subarray(10 + headerLength);
  const type = /'descr': '<([a-z]\d)'/.exec(header)![1]!;
  const [size, at] = {
    f4: [4, (i: number) => data.readFloatLE(i)] as const,
    f8: [8, (i: number) => data.readDoubleLE(i)] as const,
    i8: [8, (i: number) => Number(data.readBigInt64LE(i))] as const,
  }[type as 'f4' | 'f8' | 'i8'];
  return { shape, values: Array.from({ length: data.length / size }, (_, i) => at(i * size)) };
}

const shared = fileURLToPath(new URL('../../../../shared/data/weights/txl-tf-fixtures', import.meta.url)); // biome-ignore format: one line
const there = existsSync(shared);
if (!there) console.log('left out: the TensorFlow checkpoints of ../shared/data are not there');

describe.each(backends)('TensorFlow checkpoints on $backend', ({ start }) => {
  beforeAll(async () => void (await start()));

  (there ? test : test.skip).each(['test_checkpoint_div_1', 'test_checkpoint_div_2'])(
    '%s: softmax and memories',
    async (name) => {
      const before = tf.memory().numTensors;
      const read = (file: string) => readNpy(`${shared}/${name}/${file}.npy`);
      const model = await TransfoXLLMHeadModel.fromPretrained(`${shared}/${name}`);
      const isCut = name.endsWith('2');
      expect(model.config).toMatchObject({
        ...{ vocabSize: 30, nLayer: 2, dModel: 32, nHead: 4, dHead: 8, dInner: 64, memLen: 10 },
        ...(isCut ? { cutoffs: [10], divVal: 2, untieR: false } : { cutoffs: [], untieR: true }),
      });
      const mems = [0, 1].map((i) => {
        const { shape, values } = read(`memory_${i}`);
        return tf.tensor(Float32Array.from(values), shape);
      });
      const outputs = model.forward({ inputIds: read('tokens').values, mems }, { memLen: 20 });
      const softmax = tf.exp(outputs.logits);
      expect(softmax.shape).toEqual(read('softmax').shape);
      expect(distance(softmax.dataSync(), read('softmax').values).absolute).toBeLessThan(1e-6);
      outputs.mems!.forEach((mem, i) => {
        const expected = read(`new_memory_${i}`);
        expect(mem.shape).toEqual(expected.shape);
        expect(distance(mem.dataSync(), expected.values).absolute).toBeLessThan(1e-5);
      });
      outputs.dispose();
      tf.dispose([softmax, ...mems]);
      model.dispose();
      expect(tf.memory().numTensors).toBe(before);
    },
  );
});

test('a TensorFlow checkpoint of which nothing says how much is remembered is refused', async () => {
  if (!there) return;
  const folder = await loadFolder(`${shared}/test_checkpoint_div_1`);
  const load = TransfoXLLMHeadModel.fromPretrained({ ...folder, config: undefined });
  await expect(load).rejects.toMatchObject({ code: 'BAD_CONFIG' });
});

describe.each(backends)('what the original PyTorch code saved, on $backend', ({ start }) => {
  const folder = fileURLToPath(new URL('../fixtures/original', import.meta.url));
  beforeAll(async () => void (await start()));

  test('the model itself: its configuration, and its losses and memories over three segments', async () => {
    const before = tf.memory().numTensors;
    const model = await TransfoXLLMHeadModel.fromPretrained(folder);
    expect(model.config).toMatchObject({
      ...{ vocabSize: 24, dModel: 12, dEmbed: 12, nHead: 2, dHead: 6, dInner: 14, nLayer: 2 },
      ...{ cutoffs: [8, 15], divVal: 2, tieProjs: [false, true, true], tieWordEmbeddings: true },
      ...{ memLen: 6, extLen: 0, tgtLen: 6, clampLen: 4, sameLength: true, preLnorm: true },
      ...{ dropout: 0.2, dropatt: 0.1, attnType: 0, untieR: false, emptyStart: true },
    });
    const expected = await segments(folder);
    const ids = expected.get('input_ids')!;
    const [batch, total] = ids.shape as [number, number];
    const rows = (from: number, to: number) =>
      Array.from({ length: batch }, (_, b) =>
        Array.from(ids.values.slice(b * total + from, b * total + to)),
      );
    let mems: tf.Tensor[] | undefined;
    for (let i = 0; i < 3; i++) {
      const targets = rows(6 * i + 1, 6 * i + 7);
      const outputs = model.forward({ inputIds: rows(6 * i, 6 * i + 6), targets, mems });
      const near = (name: string, tensor: tf.Tensor) => {
        const { shape, values } = expected.get(`${i}/${name}`)!;
        expect(tensor.shape).toEqual(shape);
        expect(distance(tensor.dataSync(), values).absolute).toBeLessThan(1e-5);
      };
      near('losses', outputs.losses!);
      for (const [layer, mem] of outputs.mems!.entries()) near(`mems.${layer}`, mem);
      tf.dispose(mems ?? []);
      mems = outputs.mems!.map((mem) => tf.clone(mem));
      outputs.dispose();
    }
    tf.dispose(mems ?? []);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('its state dict needs a configuration beside it; the bare model reads it too', async () => {
    const opened = await loadFolder(folder);
    const model = await TransfoXLLMHeadModel.fromPretrained(opened);
    const config = model.config.toJson();
    const bare = await TransfoXLModel.fromPretrained({ ...opened, config });
    const inputs = { inputIds: [[1, 9, 20, 4]] };
    const [whole, part] = [model.transformer.encode(inputs), bare.forward(inputs)];
    const { absolute } = distance(
      part.lastHiddenState.dataSync(),
      whole.lastHiddenState.dataSync(),
    );
    expect(absolute).toBe(0);
    tf.dispose({ ...whole } as tf.TensorContainerObject);
    for (const one of [part, model, bare]) one.dispose();
    const nothing = { ...opened, readPickle: async () => undefined };
    await expect(TransfoXLLMHeadModel.fromPretrained(nothing)).rejects.toMatchObject({
      code: 'BAD_CONFIG',
    });
  });
});

async function segments(folder: string) {
  const all = new Map<string, { shape: number[]; values: Float32Array | Int32Array }>();
  const file = await readSafetensors(await readFile(`${folder}/segments.safetensors`));
  for await (const stored of file.tensors()) {
    const values = stored.dtype === 'I32' ? toInt32(stored) : toFloat32(stored);
    all.set(stored.name, { shape: stored.shape, values: values.slice() });
  }
  return all;
}
