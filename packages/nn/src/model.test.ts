import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type JsonObject, loadFolder } from '@multihead/checkpoint';
import * as tf from '@tensorflow/tfjs-core';
import { expectNoLeak, numTensors, onEachBackend } from '../test/backends.js';
import { Linear } from './linear.js';
import { type FromPretrainedOptions, loadPretrained, PretrainedModel } from './model.js';
import { QuantizedMatrix } from './quantized-matrix.js';
import { type LoadReport, Weights } from './weights.js';

class Config {
  constructor(
    readonly size: number,
    readonly json: JsonObject = { size, architectures: ['TinyModel'] },
  ) {}
  toJson(): JsonObject {
    return this.json;
  }
}

class TinyModel extends PretrainedModel<Config> {
  protected override readonly architecture = 'TinyModel';
  readonly dense: Linear;
  constructor(config: Config, weights: Weights = new Weights({ seed: 1 })) {
    super(config, weights);
    const { size } = config;
    this.dense = new Linear(weights.at('dense'), { inFeatures: size, outFeatures: size });
  }
}

const load = (source: Parameters<typeof loadPretrained>[0], options?: FromPretrainedOptions) =>
  loadPretrained(
    source,
    {
      config: (json) => new Config(json.size as number, json),
      keyMap: () => (key) => key.replace('old.', 'dense.'),
      build: (config, weights) => new TinyModel(config, weights),
    },
    options,
  );
const valuesOf = (model: TinyModel) =>
  [...model.parameters].map(([key, p]) => [key, Array.from(p.value.dataSync())]);

onEachBackend(() => {
  let folder: string;
  let before: number;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'multihead-nn-'));
    before = numTensors();
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
    expect(numTensors()).toBe(before);
  });

  test('save and load give the same weights and config, tokenizer files beside them', async () => {
    const model = new TinyModel(new Config(3));
    await model.save(folder, { files: { 'vocab.txt': '[PAD]\n' } });
    let report: LoadReport | undefined;
    const onReport = (r: LoadReport) => {
      report = r;
    };
    const loaded = await load(folder, { onReport });
    expect(valuesOf(loaded)).toEqual(valuesOf(model));
    expect(loaded.config.toJson()).toEqual({ size: 3, architectures: ['TinyModel'] });
    expect(report).toEqual({ missing: [], unexpected: [] });
    expect(await readFile(join(folder, 'vocab.txt'), 'utf8')).toBe('[PAD]\n');
    model.dispose();
    loaded.dispose();
  });

  test('half precision rounds each weight once', async () => {
    const model = new TinyModel(new Config(3));
    await model.save(folder, { dtype: 'BF16' });
    const loaded = await load(await loadFolder(folder));
    const weights = [model, loaded].map((m) => Array.from(m.dense.weight.value.dataSync()));
    weights[0]!.forEach((value, i) => {
      expect(Math.abs(weights[1]![i]! - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -8);
    });
    expect(weights[1]).not.toEqual(weights[0]);
    model.dispose();
    loaded.dispose();
  });

  test('q8 holds large matrices in int8, says no to saving, and leaves the rest as it is', async () => {
    const model = new TinyModel(new Config(70));
    await model.save(folder);
    const bytes = tf.memory().numBytes;
    const loaded = await load(folder, { dtype: 'q8' });
    expect((tf.memory().numBytes - bytes) / (4 * 70 * 70)).toBeLessThan(0.4);
    expect(loaded.dense.weight.shape).toEqual([70, 70]);
    expect(loaded.dense.weight.held).toBeInstanceOf(QuantizedMatrix);
    expect(loaded.dense.bias!.value.shape).toEqual([70]);
    const outputs = [model, loaded].map(({ dense }) =>
      tf.tidy(() => dense.forward(tf.linspace(-1, 1, 70)).dataSync()),
    );
    outputs[0]!.forEach((value, i) => {
      expect(Math.abs(outputs[1]![i]! - value)).toBeLessThan(5e-3);
    });
    const other = join(folder, 'other');
    await expect(loaded.save(other)).rejects.toThrow(
      expect.objectContaining({
        code: 'QUANTIZED',
        message: expect.stringMatching(/dense\.weight/),
      }),
    );
    await expect(readFile(join(other, 'config.json'))).rejects.toThrow('ENOENT');
    model.dispose();
    loaded.dispose();
  });

  test('q8 leaves small matrices float32, and refuses shapes that do not fit and types there are none of', async () => {
    const model = new TinyModel(new Config(3));
    await model.save(folder);
    model.dispose();
    const loaded = await load(folder, { dtype: 'q8' });
    expect(loaded.dense.weight.value.dtype).toBe('float32');
    loaded.dispose();
    await writeFile(join(folder, 'config.json'), '{"size": 5}');
    const wrong = load(folder, { dtype: 'q8' });
    await expect(wrong).rejects.toThrow(expect.objectContaining({ code: 'WRONG_SHAPE' }));
    await expect(load(folder, { dtype: 'q4' as never })).rejects.toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', message: expect.stringMatching(/q4.*'q8'/) }),
    );
  });

  test('the config of another class gets this one as its architecture, and keeps the rest', async () => {
    const config = new Config(2, { custom: 1, architectures: ['Other'], size: 2 });
    const model = new TinyModel(config);
    await model.save(folder);
    model.dispose();
    const written = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
    expect(Object.entries(written)).toEqual([
      ['custom', 1],
      ['architectures', ['TinyModel']],
      ['size', 2],
    ]);
  });

  describe('leaves nothing behind when', () => {
    beforeEach(async () => {
      const model = new TinyModel(new Config(2));
      await model.save(folder);
      model.dispose();
    });

    test('the config contradicts the weights', async () => {
      await writeFile(join(folder, 'config.json'), '{"size": 5}');
      await expect(load(folder)).rejects.toThrow(
        expect.objectContaining({
          code: 'WRONG_SHAPE',
          message: expect.stringMatching(/dense\.weight is \[2,2\].*\[5,5\]/),
        }),
      );
    });

    test('there is no config', async () => {
      await rm(join(folder, 'config.json'));
      await expect(load(folder)).rejects.toThrow(/config\.json/);
    });

    test('building the model, or the report, throws', async () => {
      const onReport = () => {
        throw new Error('reported');
      };
      await expect(load(folder, { onReport })).rejects.toThrow('reported');
    });

    test('it is aborted', async () => {
      await expect(load(folder, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
    });
  });

  test('a disposed model frees its weights and says that it is disposed', () => {
    expectNoLeak(() => {
      const model = new TinyModel(new Config(2));
      {
        using held = model;
        expect(held.parameters.size).toBe(2);
      }
      const x = tf.ones([1, 2]);
      expect(() => model.dense.forward(x)).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
      x.dispose();
    });
  });
});
