import {
  type Folder,
  fromFloat32,
  type JsonObject,
  type StoredTensor,
  type TensorInfo,
  toFloat32,
} from '@multihead/checkpoint';
import { ModelError } from '@multihead/nn';

/*
 * What the original TensorFlow code saved. Its matrices are [in, out], u and v of all layers are one
 * tensor, and a projection that would change nothing is not there.
 */

type Names = ReadonlyMap<string, TensorInfo>;

/**
 * Hugging Face's `config.json`, if it is one; else what the shapes say, and of what they do not, what the
 * `config.json` beside them does.
 *
 * @throws ModelError `BAD_CONFIG` where nothing says how much is remembered
 */
export function tensorFlowConfig(folder: Folder, names: Names): JsonObject {
  const given = folder.config ?? {};
  if (given.model_type === 'transfo-xl') return given;
  if (typeof given.mem_len !== 'number') {
    throw new ModelError(
      'BAD_CONFIG',
      `${folder.source} has weights of TensorFlow's, which do not say how much is remembered: put a config.json with mem_len beside them (and same_length, clamp_len, if they were not false and -1).`,
    );
  }
  const shape = (name: string): readonly number[] => names.get(`transformer/${name}`)?.shape ?? [];
  const [dHead, nHead, layers] = [...shape('r_w_bias')].reverse();
  const [vocabulary, width] = shape('adaptive_embed/lookup_table');
  const tables = count((i) => shape(`adaptive_embed/cutoff_${i}/lookup_table`));
  const biases = count((i) => shape(`adaptive_softmax/cutoff_${i}/b`));
  const sizes = biases.map(([words]) => words!);
  const ends = sizes.map((_, i) => sizes.slice(0, i + 1).reduce((a, b) => a + b, 0));
  const isTied = (i: number) => !names.has(`transformer/adaptive_softmax/cutoff_${i}/proj`);
  const known = ['mem_len', 'same_length', 'clamp_len', 'tgt_len', 'dropout', 'dropatt'];
  const usual = { same_length: false, clamp_len: -1, dropout: 0.1, dropatt: 0 };
  return {
    model_type: 'transfo-xl',
    vocab_size: vocabulary ?? ends.at(-1) ?? 0,
    cutoffs: ends.slice(0, -1),
    div_val: tables.length > 1 ? Math.round(tables[0]![1]! / tables[1]![1]!) : 1,
    d_embed: width ?? tables[0]?.[1] ?? 0,
    d_model: shape('layer_0/rel_attn/o/kernel')[1] ?? 0,
    d_inner: shape('layer_0/ff/layer_1/kernel')[1] ?? 0,
    n_layer: count((i) => shape(`layer_${i}/rel_attn/o/kernel`)).length,
    n_head: nHead ?? 0,
    d_head: dHead ?? 0,
    untie_r: layers !== undefined,
    tie_projs: ends.length === 0 ? [true] : ends.map((_, i) => isTied(i)),
    eos_token_id: null,
    layer_norm_epsilon: 1e-12, // of tf.contrib.layers.layer_norm
    ...usual,
    ...Object.fromEntries(known.flatMap((key) => (key in given ? [[key, given[key]!]] : []))),
  };
}

/** The shapes of 0, 1, 2, … up to where there are none. */
function count(shapeOf: (i: number) => readonly number[]): (readonly number[])[] {
  const shapes: (readonly number[])[] = [];
  while (shapeOf(shapes.length).length > 0) shapes.push(shapeOf(shapes.length));
  return shapes;
}

/** The tensors under Hugging Face's names, and those that were not there because they change nothing. */
export async function* ofTensorFlow(
  tensors: AsyncIterable<StoredTensor>,
  names: Names,
  config: JsonObject,
): AsyncGenerator<StoredTensor> {
  const biases: StoredTensor[] = [];
  for await (const tensor of tensors) {
    const place = tensor.name.replace(/^transformer\//, '');
    if (/^adaptive_softmax\/cutoff_\d+\/b$/.test(place) && config.div_val === 1) {
      biases.push({ ...tensor, name: place }); // one table has one bias
    } else if (/^r_[wr]_bias$/.test(place) && tensor.shape.length === 3) {
      yield* layersOf(tensor, place);
    } else {
      const [pattern, name, turned] =
        TABLE.find(([pattern]) => pattern.test(place)) ?? ([] as const);
      if (pattern === undefined) continue; // an optimizer's, say
      const renamed = { ...tensor, name: place.replace(pattern, name!) };
      yield turned ? transposed(renamed) : renamed;
    }
  }
  if (biases.length > 0) yield joined(biases);
  yield* identities(names, config);
}

const LAYER = '^layer_(\\d+)\\/';
const HERE = 'transformer.layers.$1.';
/** Its name, ours, and whether the matrix is turned. */
const TABLE: [RegExp, string, boolean?][] = [
  [/^adaptive_embed\/lookup_table$/, 'transformer.word_emb.emb_layers.0.weight'],
  [/^adaptive_embed\/proj_W$/, 'transformer.word_emb.emb_projs.0', true],
  [/^adaptive_embed\/cutoff_(\d+)\/lookup_table$/, 'transformer.word_emb.emb_layers.$1.weight'],
  [/^adaptive_embed\/cutoff_(\d+)\/proj_W$/, 'transformer.word_emb.emb_projs.$1', true],
  [/^adaptive_softmax\/bias$/, 'crit.out_layers.0.bias'],
  [/^adaptive_softmax\/cutoff_(\d+)\/b$/, 'crit.out_layers.$1.bias'],
  [/^adaptive_softmax\/cutoff_(\d+)\/proj$/, 'crit.out_projs.$1', true],
  [/^adaptive_softmax\/cutoff_0\/cluster_W$/, 'crit.cluster_weight'],
  [/^adaptive_softmax\/cutoff_0\/cluster_b$/, 'crit.cluster_bias'],
  [/^(r_[wr]_bias)$/, 'transformer.$1'],
  [new RegExp(`${LAYER}rel_attn\\/(qkv|r|o)\\/kernel$`), `${HERE}dec_attn.$2_net.weight`, true],
  [new RegExp(`${LAYER}rel_attn\\/LayerNorm\\/gamma$`), `${HERE}dec_attn.layer_norm.weight`],
  [new RegExp(`${LAYER}rel_attn\\/LayerNorm\\/beta$`), `${HERE}dec_attn.layer_norm.bias`],
  [new RegExp(`${LAYER}ff\\/layer_1\\/kernel$`), `${HERE}pos_ff.CoreNet.0.weight`, true],
  [new RegExp(`${LAYER}ff\\/layer_1\\/bias$`), `${HERE}pos_ff.CoreNet.0.bias`],
  [new RegExp(`${LAYER}ff\\/layer_2\\/kernel$`), `${HERE}pos_ff.CoreNet.3.weight`, true],
  [new RegExp(`${LAYER}ff\\/layer_2\\/bias$`), `${HERE}pos_ff.CoreNet.3.bias`],
  [new RegExp(`${LAYER}ff\\/LayerNorm\\/gamma$`), `${HERE}pos_ff.layer_norm.weight`],
  [new RegExp(`${LAYER}ff\\/LayerNorm\\/beta$`), `${HERE}pos_ff.layer_norm.bias`],
];

function transposed(tensor: StoredTensor): StoredTensor {
  const [rows, columns] = tensor.shape as [number, number];
  const values = toFloat32(tensor);
  const turned = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned[column * rows + row] = values[row * columns + column]!;
    }
  }
  return fromFloat32(tensor.name, [columns, rows], turned);
}

/** u or v of all layers, [layers, heads, size], as one a layer. */
function layersOf(tensor: StoredTensor, name: string): StoredTensor[] {
  const [layers, ...shape] = tensor.shape as [number, ...number[]];
  const bytes = tensor.data.length / layers;
  return Array.from({ length: layers }, (_, i) => ({
    ...tensor,
    shape,
    name: `transformer.layers.${i}.dec_attn.${name}`,
    data: tensor.data.slice(i * bytes, (i + 1) * bytes),
  }));
}

/** The clusters' biases end to end. */
function joined(parts: StoredTensor[]): StoredTensor {
  const inOrder = [...parts].sort((a, b) => clusterOf(a) - clusterOf(b)).map(toFloat32);
  const all = new Float32Array(inOrder.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of inOrder) {
    all.set(part, at);
    at += part.length;
  }
  return fromFloat32('crit.out_layers.0.bias', [all.length], all);
}

const clusterOf = ({ name }: StoredTensor): number => Number(/cutoff_(\d+)/.exec(name)![1]);

/** The projections of clusters that are as wide as the model. */
function* identities(names: Names, { d_model: size, div_val, ...config }: JsonObject) {
  if (div_val === 1) return;
  const tied = config.tie_projs as boolean[];
  for (let i = 0; names.has(`transformer/adaptive_embed/cutoff_${i}/lookup_table`); i++) {
    if (names.has(`transformer/adaptive_embed/cutoff_${i}/proj_W`)) continue;
    yield identity(`transformer.word_emb.emb_projs.${i}`, size as number);
    if (!tied[i] && !names.has(`transformer/adaptive_softmax/cutoff_${i}/proj`)) {
      yield identity(`crit.out_projs.${i}`, size as number);
    }
  }
}

function identity(name: string, size: number): StoredTensor {
  const values = new Float32Array(size * size);
  for (let i = 0; i < size; i++) values[i * size + i] = 1;
  return fromFloat32(name, [size, size], values);
}
