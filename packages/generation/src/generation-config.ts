import type { JsonObject, JsonValue } from '@multihead/checkpoint';
import { GenerationError } from './errors.js';
import { CONFIG_NAMES, checkOptions } from './option-checks.js';
import type { GenerationConfig } from './options.js';

/** What the file says of other things than how to generate. */
const ELSEWHERE = new Set([
  '_from_model_config',
  '_commit_hash',
  'transformers_version',
  'return_dict_in_generate',
  'use_cache',
  'cache_implementation',
  'cache_config',
  'compile_config',
  'disable_compile',
  'is_assistant',
  'num_assistant_tokens',
  'num_assistant_tokens_schedule',
  'assistant_confidence_threshold',
  'assistant_lookbehind',
  'target_lookbehind',
  'decoder_start_token_id',
]);

/** Settings we do not have, and the values at which they do nothing. */
const NEUTRAL: Record<string, JsonValue[]> = {
  encoder_repetition_penalty: [1],
  encoder_no_repeat_ngram_size: [0],
  guidance_scale: [1],
  output_attentions: [false],
  output_hidden_states: [false],
  low_memory: [false],
  token_healing: [false],
};

/**
 * The options of a `generation_config.json`, for `generationConfig`.
 *
 * ```ts
 * const json = await (await loadFolder('path/to/gpt2')).readJson('generation_config.json');
 * const generationConfig = readGenerationConfig(json ?? {});
 * ```
 *
 * @throws GenerationError `BAD_CONFIG` for a setting that is not supported or means nothing
 */
export function readGenerationConfig(json: JsonObject): GenerationConfig {
  const names = new Map(CONFIG_NAMES.map((name) => [snakeCase(name), name]));
  const config: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(json)) {
    if (value === null || ELSEWHERE.has(key)) continue;
    const name = names.get(key);
    if (name !== undefined) config[name] = value;
    else if (!NEUTRAL[key]?.includes(value)) {
      throw new GenerationError(
        'BAD_CONFIG',
        `generation_config.json sets ${key} to ${JSON.stringify(value)}, which is not supported; take it out, or set it to null.`,
      );
    }
  }
  try {
    checkOptions(config);
  } catch (error) {
    const { message } = error as Error;
    throw new GenerationError('BAD_CONFIG', `In generation_config.json: ${message}`);
  }
  return config;
}

const snakeCase = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
