import {
  type Folder,
  type JsonObject,
  type JsonValue,
  PickledObject,
  type PickleValue,
  type StoredTensor,
  type TensorInfo,
  TorchTensor,
} from '@multihead/checkpoint';
import { ModelError } from '@multihead/nn';

/**
 * What the original PyTorch code saved, `model.pt`: the model itself, of which only its numbers are read,
 * or its state dict with a Hugging Face `config.json` beside it.
 *
 * @throws ModelError `BAD_CONFIG` for a state dict without one
 */
export async function originalConfig(
  folder: Folder,
  names: ReadonlyMap<string, TensorInfo>,
): Promise<JsonObject> {
  if (folder.config?.model_type === 'transfo-xl') return folder.config;
  const saved = await folder.readPickle('model.pt');
  const module = saved instanceof PickledObject ? saved : undefined;
  const embedding = module && within(module, 'word_emb');
  const attention = module && within(module, 'layers', '0', 'dec_attn');
  const clusters = embedding?.state.get('cutoffs'); // the last is the vocabulary's end
  if (!module || !attention || !Array.isArray(clusters)) {
    throw new ModelError(
      'BAD_CONFIG',
      `${folder.source} has the original's weights, but nothing says what model they are of: put a config.json beside them, or save the model itself and not its state dict.`,
    );
  }
  const cutoffs = clusters.slice(0, -1) as number[];
  const numbers = Object.entries(FIELDS).map(([field, attribute]) => {
    return [field, module.state.get(attribute) as JsonValue] as const;
  });
  return {
    model_type: 'transfo-xl',
    ...Object.fromEntries(numbers.filter(([, value]) => value !== undefined)),
    cutoffs,
    div_val: embedding?.state.get('div_val') as JsonValue,
    d_inner: names.get('layers.0.pos_ff.CoreNet.0.weight')?.shape[0] ?? 0,
    pre_lnorm: attention.state.get('pre_lnorm') as JsonValue,
    dropout: rate(within(module, 'drop')),
    dropatt: rate(within(module, 'layers', '0', 'dec_attn', 'dropatt')),
    tie_projs: [0, ...cutoffs].map((_, i) => isTied(module, i)),
    tie_word_embeddings: tables(module).every(([out, table]) => isSame(out, table)),
    empty_start: true,
    untie_r: false,
    eos_token_id: null,
  };
}

/** By Hugging Face's name, the original's. */
const FIELDS = {
  vocab_size: 'n_token',
  d_model: 'd_model',
  d_embed: 'd_embed',
  n_head: 'n_head',
  d_head: 'd_head',
  n_layer: 'n_layer',
  tgt_len: 'tgt_len',
  ext_len: 'ext_len',
  mem_len: 'mem_len',
  attn_type: 'attn_type',
  same_length: 'same_length',
  clamp_len: 'clamp_len',
  sample_softmax: 'sample_softmax',
};

/** A module in a module in a module. */
function within(object: PickledObject, ...path: string[]): PickledObject | undefined {
  let at: PickleValue | undefined = object;
  for (const name of path) {
    const modules: PickleValue | undefined = (at as PickledObject).state.get('_modules');
    at = modules instanceof Map ? modules.get(name) : undefined;
    if (!(at instanceof PickledObject)) return undefined;
  }
  return at as PickledObject;
}

const rate = (dropout: PickledObject | undefined): number => Number(dropout?.state.get('p') ?? 0);

function parameter(module: PickledObject | undefined, name: string): PickleValue | undefined {
  const parameters = module?.state.get('_parameters');
  return parameters instanceof Map ? parameters.get(name) : undefined;
}

/** Of each cluster the tables that words come out by and go in by. */
function tables(saved: PickledObject) {
  const modules = within(saved, 'crit', 'out_layers')?.state.get('_modules');
  const clusters = modules instanceof Map ? [...modules.keys()] : [];
  return clusters.map((i) => [
    parameter(within(saved, 'crit', 'out_layers', `${i}`), 'weight'),
    parameter(within(saved, 'word_emb', 'emb_layers', `${i}`), 'weight'),
  ]);
}

/** Whether a cluster comes out by the projection it went in by (with one table: by that of all). */
function isTied(saved: PickledObject, cluster: number): boolean {
  const projections = within(saved, 'word_emb', 'emb_projs');
  const out = parameter(within(saved, 'crit', 'out_projs'), `${cluster}`);
  return ['0', `${cluster}`].some((i) => isSame(out, parameter(projections, i)));
}

/** Two names of one tensor. */
function isSame(a: PickleValue | undefined, b: PickleValue | undefined): boolean {
  if (!(a instanceof TorchTensor && b instanceof TorchTensor)) return false;
  return a.storage.key === b.storage.key && a.offset === b.offset;
}

/**
 * The original reads cluster i's logit as the i-th from the end, Hugging Face's library (and the
 * TensorFlow code) as the i-th behind the frequent words': the rows are turned round.
 */
export async function* ofTheOriginal(
  tensors: AsyncIterable<StoredTensor>,
): AsyncGenerator<StoredTensor> {
  for await (const tensor of tensors) {
    yield /^crit\.cluster_(weight|bias)$/.test(tensor.name) ? rowsTurned(tensor) : tensor;
  }
}

function rowsTurned(tensor: StoredTensor): StoredTensor {
  const rows = tensor.shape[0]!;
  const width = tensor.data.length / rows;
  const data = new Uint8Array(tensor.data.length);
  for (let row = 0; row < rows; row++) {
    data.set(tensor.data.subarray(row * width, (row + 1) * width), (rows - 1 - row) * width);
  }
  return { ...tensor, data };
}
