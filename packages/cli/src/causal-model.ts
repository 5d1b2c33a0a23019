import { type Folder, loadFolder } from '@multihead/checkpoint';
import { GPT2LMHeadModel, OpenAIGPTLMHeadModel } from '@multihead/gpt';
import type { Tokenizer } from '@multihead/tokenizers';
import { TransfoXLLMHeadModel } from '@multihead/transformer-xl';
import { useWasm } from '@multihead/wasm';
import type { CausalModelOptions } from './causal-model-options.js';
import { CliError } from './errors.js';
import { loadTokenizer } from './load-tokenizer.js';
import { remembering } from './recurrence.js';

/** By the `model_type` of config.json. */
const FAMILIES = {
  gpt2: GPT2LMHeadModel,
  'openai-gpt': OpenAIGPTLMHeadModel,
  'transfo-xl': TransfoXLLMHeadModel,
};

/** A model that foretells text, with its tokenizer and the folder they are of. */
export interface LoadedCausalModel {
  model: GPT2LMHeadModel | OpenAIGPTLMHeadModel | TransfoXLLMHeadModel;
  tokenizer: Tokenizer;
  folder: Folder;
}

/** @throws CliError `BAD_INPUT` for another kind of model, `USAGE` for options of another; what the loaders throw */
export async function loadCausalModel(options: CausalModelOptions): Promise<LoadedCausalModel> {
  const { model: source, tokenizer: tokenizerSource = source, dtype } = options;
  const folder = remembering(await loadFolder(source), options);
  // minGPT and nanoGPT say no type.
  const type = folder.config?.model_type ?? 'gpt2';
  if (!Object.hasOwn(FAMILIES, String(type))) {
    const known = Object.keys(FAMILIES).join(' or ');
    throw new CliError(
      'BAD_INPUT',
      `${source}: config.json says model_type ${JSON.stringify(type)}; this command takes ${known}.`,
    );
  }
  const tokenizer = await loadTokenizer(tokenizerSource);
  await useWasm();
  const model = await FAMILIES[type as keyof typeof FAMILIES].fromPretrained(folder, { dtype });
  if (tokenizer.vocabSize <= model.vocabSize) return { model, tokenizer, folder };
  model.dispose();
  throw new CliError(
    'BAD_INPUT',
    `${source}: the tokenizer has ${tokenizer.vocabSize} tokens, the model only ${model.vocabSize}.`,
  );
}
