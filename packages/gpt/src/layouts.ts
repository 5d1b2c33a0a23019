import { adaptFolder, type Folder, type JsonObject } from '@multihead/checkpoint';
import { openAIsFolder } from './openai-folder.js';

/**
 * How other libraries lay out a GPT. A layout answers for the folders it knows with one that looks
 * like Hugging Face's, and for others with nothing; the first that answers counts.
 */
const LAYOUTS: ((folder: Folder) => Promise<Folder | undefined>)[] = [
  openAIsFolder,
  karpathys,
  tiedToTheHead,
];

/** The folder as Hugging Face would have written it. */
export async function asHuggingFace(folder: Folder): Promise<Folder> {
  for (const layout of LAYOUTS) {
    const adapted = await layout(folder);
    if (adapted !== undefined) return adapted;
  }
  return folder;
}

/**
 * minGPT and nanoGPT: what nanoGPT leaves (`ckpt.pt`, which says `block_size` and the like itself), or
 * their weights as safetensors or by torch.save with that configuration as config.json. Linear layers are [out, in]. minGPT has GELU by its tanh
 * approximation and a head of its own; nanoGPT has the exact GELU, a tied head, and with `bias: false`
 * no biases.
 */
async function karpathys(folder: Folder): Promise<Folder | undefined> {
  const config = folder.config ?? (await nanoArguments(folder));
  if (config === undefined || !('block_size' in config) || 'n_positions' in config)
    return undefined;
  const isNano = 'dropout' in config;
  const rate = (name: string) => (isNano ? config.dropout : config[name]) ?? 0.1;
  const json: JsonObject = {
    model_type: 'gpt2',
    vocab_size: config.vocab_size ?? 50257,
    n_positions: config.block_size!,
    n_embd: config.n_embd ?? 768,
    n_layer: config.n_layer ?? 12,
    n_head: config.n_head ?? 12,
    activation_function: isNano ? 'gelu' : 'gelu_new',
    resid_pdrop: rate('resid_pdrop'),
    embd_pdrop: rate('embd_pdrop'),
    attn_pdrop: rate('attn_pdrop'),
    tie_word_embeddings: isNano,
    bos_token_id: null,
    eos_token_id: null,
  };
  return adaptFolder(folder, {
    config: json,
    tensor: (name) => ({ name: compiled(name), transposed: isLinear(name) }),
    zeros: biases(json),
  });
}

/** The `model_args` of nanoGPT's checkpoint. */
async function nanoArguments(folder: Folder): Promise<JsonObject | undefined> {
  const saved = await folder.readPickle('ckpt.pt');
  const given = saved instanceof Map ? saved.get('model_args') : undefined;
  if (!(given instanceof Map)) return undefined;
  const isPlain = (entry: [unknown, unknown]): entry is [string, number | boolean] =>
    typeof entry[0] === 'string' && ['number', 'boolean'].includes(typeof entry[1]);
  return Object.fromEntries([...given].filter(isPlain));
}

/**
 * A GPT whose one embedding is stored under the head's name, as transformers 5 stores
 * OpenAIGPTDoubleHeadsModel.
 */
async function tiedToTheHead(folder: Folder): Promise<Folder | undefined> {
  const { config } = folder;
  if (config?.model_type !== 'openai-gpt' || config.tie_word_embeddings === false) return undefined;
  const [head, embedding] = ['lm_head.weight', 'transformer.tokens_embed.weight'];
  const stored = await folder.names();
  const isThere = [...stored.keys()].some((name) => name.endsWith('tokens_embed.weight'));
  if (isThere || !stored.has(head)) return undefined;
  return adaptFolder(folder, { tensor: (name) => ({ name: name === head ? embedding : name }) });
}

const isLinear = (name: string): boolean => /\.(c_attn|c_proj|c_fc)\.weight$/.test(name);

/** Without what `torch.compile` put before it. */
const compiled = (name: string): string => name.replace(/^_orig_mod\./, '');

/** Every bias, with its shape. */
function biases({ n_embd: width, n_layer: layers }: JsonObject): Map<string, number[]> {
  const size = width as number;
  const parts: [string, number][] = [
    ['ln_1', size],
    ['attn.c_attn', 3 * size],
    ['attn.c_proj', size],
    ['ln_2', size],
    ['mlp.c_fc', 4 * size],
    ['mlp.c_proj', size],
  ];
  const all = new Map([['transformer.ln_f.bias', [size]]]);
  for (let layer = 0; layer < (layers as number); layer++) {
    for (const [part, n] of parts) all.set(`transformer.h.${layer}.${part}.bias`, [n]);
  }
  return all;
}
