import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '@multihead/checkpoint';
import { readFields, writeFields } from './config.js';

const defaults = {
  hiddenSize: 768,
  hiddenAct: 'gelu',
  tieWordEmbeddings: true,
  padTokenId: 0 as number | null,
  layerNormEps: 1e-12,
};

describe('readFields', () => {
  test('reads snake_case, defaults what is absent or null, passes over the rest', () => {
    const json = {
      hidden_size: 128,
      hidden_act: null,
      torch_dtype: 'float32',
      id2label: { 0: 'a' },
    };
    expect(readFields(json, defaults)).toEqual({ ...defaults, hiddenSize: 128 });
  });

  test('a default of null takes any value, the defaults stay as they are', () => {
    const nullable = { dropout: null as number | null };
    expect(readFields({ dropout: 0.5 }, nullable)).toEqual({ dropout: 0.5 });
    expect(nullable).toEqual({ dropout: null });
  });

  test('a value of another type is an error that names the field', () => {
    expect(() => readFields({ hidden_size: '128' }, defaults)).toThrow(
      expect.objectContaining({
        code: 'BAD_CONFIG',
        message: 'hidden_size is "128" in config.json; it must be a number.',
      }),
    );
  });
});

describe('writeFields', () => {
  const original: JsonObject = {
    architectures: ['BertModel'],
    hidden_act: 'gelu',
    layer_norm_eps: 1e-12,
    custom: { nested: [1, null] },
    pad_token_id: null,
    hidden_size: 128,
  };

  test('what was read and not changed is the very object that was read', () => {
    expect(writeFields(readFields(original, defaults), original, defaults)).toBe(original);
    expect(
      writeFields({ ...defaults, hiddenSize: 128, padTokenId: null }, original, defaults),
    ).toBe(original);
  });

  test('a changed field is written in its place, a new one at the end', () => {
    const fields = { ...readFields(original, defaults), hiddenSize: 64, tieWordEmbeddings: false };
    const json = writeFields(fields, original, defaults);
    expect(Object.entries(json)).toEqual([
      ...Object.entries(original).slice(0, 5),
      ['hidden_size', 64],
      ['tie_word_embeddings', false],
    ]);
    expect(readFields(json, defaults)).toEqual(fields);
    expect(original.hidden_size).toBe(128);
  });

  test('a new configuration is written whole', () => {
    expect(writeFields(defaults, undefined, defaults)).toEqual({
      hidden_size: 768,
      hidden_act: 'gelu',
      tie_word_embeddings: true,
      pad_token_id: 0,
      layer_norm_eps: 1e-12,
    });
  });
});
