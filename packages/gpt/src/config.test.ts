import { describe, expect, test } from '@jest/globals';
import { formatJson, parseJson } from '@multihead/checkpoint';
import { GPT2Config, OpenAIGPTConfig } from './index.js';

const tiny = { vocabSize: 20, nPositions: 8, nEmbd: 8, nLayer: 1, nHead: 2 };

describe('GPT2Config', () => {
  test('reads the fields it knows and keeps the rest, in order and untouched', () => {
    const text =
      '{"note": "kept", "n_embd": 48, "n_head": 4, "eos_token_id": [3, 5], "custom": 2.50}';
    const json = parseJson(text, 'config.json');
    const config = GPT2Config.fromJson(json);
    expect(config).toMatchObject({ nEmbd: 48, vocabSize: 50257, eosTokenId: [3, 5] });
    expect(config.innerSize).toBe(192);
    expect(config.toJson()).toBe(json);
  });

  test('writes a new config.json with every field in Hugging Face’s spelling', () => {
    expect(new GPT2Config().toJson()).toMatchObject({ bos_token_id: 50256, eos_token_id: 50256 });
    const json = new GPT2Config({ ...tiny, nInner: 12, numLabels: 3 }).toJson();
    expect(json).toMatchObject({
      model_type: 'gpt2',
      n_positions: 8,
      n_inner: 12,
      layer_norm_epsilon: 1e-5,
      scale_attn_by_inverse_layer_idx: false,
      eos_token_id: null, // 50256 is not in so small a vocabulary
      pad_token_id: null,
      id2label: { 0: 'LABEL_0', 1: 'LABEL_1', 2: 'LABEL_2' },
      label2id: { LABEL_0: 0, LABEL_1: 1, LABEL_2: 2 },
    });
    expect(formatJson(json)).toContain('"activation_function": "gelu_new"');
    const again = GPT2Config.fromJson(json);
    expect(again).toMatchObject({ ...tiny, nInner: 12 });
    expect(again.numLabels).toBe(3);
  });

  test('labels come by name, by number, or are two', () => {
    expect(new GPT2Config().numLabels).toBe(2);
    expect(GPT2Config.fromJson({ num_labels: 4 }).numLabels).toBe(4);
    const named = GPT2Config.fromJson({ id2label: { 0: 'no', 1: 'yes', 2: 'well' } });
    expect(named.label2id).toEqual({ no: 0, yes: 1, well: 2 });
  });

  test('special ids are those of the vocabulary; null means none', () => {
    expect(new GPT2Config().specialTokens).toEqual({ bos: 50256, eos: [50256], pad: undefined });
    expect(new GPT2Config(tiny).specialTokens).toEqual({
      bos: undefined,
      eos: [],
      pad: undefined,
    });
    const json = { vocab_size: 20, bos_token_id: null, eos_token_id: [2, 99], pad_token_id: 0 };
    expect(GPT2Config.fromJson(json).specialTokens).toEqual({ bos: undefined, eos: [2], pad: 0 });
  });

  test.each([
    [{ nEmbd: 10, nHead: 3 }, /no multiple of nHead/],
    [{ vocabSize: 0 }, /vocabSize must be a positive whole number/],
    [{ nInner: 2.5 }, /nInner must be/],
    [{ activationFunction: 'swishish' }, /"swishish" is not known/],
    [{ summaryActivation: 'swishish' }, /"swishish" is not known/],
    [{ attnPdrop: 1 }, /attnPdrop must be from 0 up to but not 1, not 1/],
    [{ summaryFirstDropout: -1 }, /summaryFirstDropout/],
    [{ classifierDropout: 2 }, /classifierDropout/],
    [{ layerNormEpsilon: -1 }, /layerNormEpsilon must be 0 or more/],
    [{ eosTokenId: [1, 0.5] }, /eosTokenId must be an id or null/],
    [{ summaryType: 'attn' as 'last' }, /summaryType must be one of last, first, mean, cls_index/],
    [{ problemType: 'none' as 'regression' }, /problemType must be one of regression/],
    [{ numLabels: 0 }, /numLabels/],
    [{ numLabels: 3, id2label: { 0: 'a' } }, /numLabels is 3, but id2label has 1/],
    [{ id2label: { 1: 'a' } }, /id2label must name the classes 0, 1/],
    [{ n_embd: 8 } as object, /has no field n_embd/],
    [{ addCrossAttention: true } as object, /has no field addCrossAttention/],
  ])('refuses %j', (fields, message) => {
    expect(() => new GPT2Config(fields)).toThrow(message);
    expect(() => new GPT2Config(fields)).toThrow(expect.objectContaining({ code: 'BAD_CONFIG' }));
  });

  test.each([
    [{ model_type: 'bert' }, /model_type: "bert"; this package supports only "gpt2"/],
    [{ add_cross_attention: true }, /add_cross_attention: true/],
    [{ n_embd: '8' }, /must be a number/],
    [{ scale_attn_weights: 1 }, /must be a boolean/],
  ])('refuses a config.json with %j', (json, message) => {
    expect(() => GPT2Config.fromJson(json)).toThrow(message);
  });

  test('the scale of the scores follows its switches', () => {
    const scale = (fields: object) => new GPT2Config({ ...tiny, ...fields }).attentionScale(2);
    expect(scale({})).toBe(0.5);
    expect(scale({ scaleAttnWeights: false })).toBe(1);
    expect(scale({ scaleAttnByInverseLayerIdx: true })).toBeCloseTo(0.5 / 3, 12);
  });
});

describe('OpenAIGPTConfig', () => {
  test('has its own defaults, and what it calls gelu is the approximation', () => {
    const config = OpenAIGPTConfig.fromJson({ model_type: 'openai-gpt' });
    expect(config).toMatchObject({ vocabSize: 40478, nPositions: 512, eosTokenId: null });
    expect(config.activation).toBe('gelu_new');
    expect(new OpenAIGPTConfig({ afn: 'swish' }).activation).toBe('silu');
    expect(() => new OpenAIGPTConfig({ afn: 'tanh' })).toThrow(/afn is "tanh"/);
    expect(new OpenAIGPTConfig().toJson()).toMatchObject({ model_type: 'openai-gpt', afn: 'gelu' });
  });
});
