import {
  type Folder,
  formatJson,
  type JsonObject,
  type StoredTensor,
  type TensorInfo,
} from '@multihead/checkpoint';

/**
 * How other libraries lay out a GPT-2. A layout answers for the folders it knows with one that looks
 * like Hugging Face's, and for others with nothing; the first that answers counts. Another layout
 * (OpenAI's TensorFlow folder, say) is one more function in this list.
 */
const LAYOUTS: ((folder: Folder) => Promise<Folder | undefined>)[] = [karpathys, tiedToTheHead];

/** The folder as Hugging Face would have written it. */
export async function asHuggingFace(folder: Folder): Promise<Folder> {
  for (const layout of LAYOUTS) {
    const adapted = await layout(folder);
    if (adapted !== undefined) return adapted;
  }
  return folder;
}

/**
 * minGPT and nanoGPT, their weights as safetensors and their configuration (`block_size`, …) as
 * config.json. Linear layers are [out, in]. minGPT has GELU by its tanh approximation and a head of its
 * own; nanoGPT has the exact GELU, a tied head, and with `bias: false` no biases.
 */
async function karpathys(folder: Folder): Promise<Folder | undefined> {
  const { config } = folder;
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
  return changed(folder, json, {
    tensors: (options) => turned(folder.tensors(options), json),
    names: async (options) => {
      const named = new Map<string, TensorInfo>();
      for (const [name, { dtype, shape }] of await folder.names(options)) {
        const there = isLinear(name) ? [...shape].reverse() : [...shape];
        named.set(compiled(name), { dtype, shape: there });
      }
      return named;
    },
  });
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
  const rename = (name: string) => (name === head ? embedding : name);
  return changed(folder, config, {
    tensors: async function* (options) {
      for await (const tensor of folder.tensors(options)) {
        yield { ...tensor, name: rename(tensor.name) };
      }
    },
    names: async (options) => {
      const names = await folder.names(options);
      return new Map(Array.from(names, ([name, info]) => [rename(name), info]));
    },
  });
}

/** The folder with another configuration and other tensors. */
const changed = (
  folder: Folder,
  config: JsonObject,
  tensors: Pick<Folder, 'tensors' | 'names'>,
): Folder => ({
  source: folder.source,
  config,
  configText: config === folder.config ? folder.configText : formatJson(config),
  readText: (name, options) => folder.readText(name, options),
  readBytes: (name, options) => folder.readBytes(name, options),
  readJson: (name, options) => folder.readJson(name, options),
  ...tensors,
});

const isLinear = (name: string): boolean => /\.(c_attn|c_proj|c_fc)\.weight$/.test(name);

/** Without what `torch.compile` put before it. */
const compiled = (name: string): string => name.replace(/^_orig_mod\./, '');

/** Linear weights as [in, out], and zeros for the biases that are not there. */
async function* turned(
  tensors: AsyncIterable<StoredTensor>,
  config: JsonObject,
): AsyncGenerator<StoredTensor> {
  const seen = new Set<string>();
  for await (const tensor of tensors) {
    const name = compiled(tensor.name);
    seen.add(name);
    yield isLinear(name) ? { ...transposed(tensor), name } : { ...tensor, name };
  }
  for (const [name, size] of biases(config)) {
    const data = new Uint8Array(4 * size);
    if (!seen.has(name)) yield { name, dtype: 'F32', shape: [size], data };
  }
}

function transposed(tensor: StoredTensor): StoredTensor {
  const { data, shape } = tensor;
  const [rows, columns] = shape as [number, number];
  const bytes = data.length / (rows * columns); // of one number
  const flipped = new Uint8Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = (row * columns + column) * bytes;
      flipped.set(data.subarray(from, from + bytes), (column * rows + row) * bytes);
    }
  }
  return { ...tensor, shape: [columns, rows], data: flipped };
}

function biases({ n_embd: width, n_layer: layers }: JsonObject): [name: string, size: number][] {
  const size = width as number;
  const parts: [string, number][] = [
    ['ln_1', size],
    ['attn.c_attn', 3 * size],
    ['attn.c_proj', size],
    ['ln_2', size],
    ['mlp.c_fc', 4 * size],
    ['mlp.c_proj', size],
  ];
  const inLayers = Array.from({ length: layers as number }, (_, i) =>
    parts.map(([part, n]): [string, number] => [`transformer.h.${i}.${part}.bias`, n]),
  );
  return [...inLayers.flat(), ['transformer.ln_f.bias', size]];
}
