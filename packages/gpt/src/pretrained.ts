import type { JsonObject } from '@multihead/checkpoint';
import {
  type FromPretrainedOptions,
  type KeyMap,
  loadPretrained,
  type PretrainedSource,
  type Weights,
} from '@multihead/nn';
import { headKeys } from './checkpoint-keys.js';
import type { GPTConfig } from './config.js';
import { asHuggingFace } from './layouts.js';

/** A family's configuration, and one of its models. */
interface Classes<Config, M> {
  config: { fromJson(json: JsonObject): Config };
  model: new (config: Config, weights: Weights) => M;
}

/**
 * Reads a folder, URL or hub id; what other libraries laid out, as if Hugging Face had.
 *
 * @param keyMap default that of a model with a head
 */
export function load<Config extends GPTConfig, M>(
  { config, model }: Classes<Config, M>,
  source: PretrainedSource,
  options: FromPretrainedOptions = {},
  keyMap: (config: Config) => KeyMap = headKeys,
): Promise<M> {
  const build = (own: Config, weights: Weights) => new model(own, weights);
  const recipe = { adapt: asHuggingFace, config: config.fromJson, keyMap, build };
  return loadPretrained(source, recipe, options);
}
