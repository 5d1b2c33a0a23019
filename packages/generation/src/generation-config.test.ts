import { expect, test } from '@jest/globals';
import { readGenerationConfig } from './generation-config.js';

test('reads the file, names in camelCase, and leaves out what is not ours', () => {
  const json = {
    _from_model_config: true,
    transformers_version: '5.17.0',
    bos_token_id: 1,
    eos_token_id: [2, 3],
    pad_token_id: null,
    do_sample: true,
    temperature: 0.6,
    top_k: 20,
    no_repeat_ngram_size: 0,
    bad_words_ids: [[5], [6, 7]],
    early_stopping: 'never',
    guidance_scale: 1,
    output_attentions: false,
  };
  expect(readGenerationConfig(json)).toEqual({
    bosTokenId: 1,
    eosTokenId: [2, 3],
    doSample: true,
    temperature: 0.6,
    topK: 20,
    noRepeatNgramSize: 0,
    badWordsIds: [[5], [6, 7]],
    earlyStopping: 'never',
  });
});

test.each<[string, object]>([
  ['a setting we do not have', { guidance_scale: 1.5 }],
  ['a name nobody knows', { topk: 3 }],
  ['a wrong value', { temperature: 'hot' }],
])('%s is refused by its name', (_, json) => {
  const read = () => readGenerationConfig(json as Parameters<typeof readGenerationConfig>[0]);
  expect(read).toThrow(expect.objectContaining({ code: 'BAD_CONFIG' }));
  expect(read).toThrow(new RegExp(Object.keys(json)[0]!.replace('temperature', 'temperature')));
});
