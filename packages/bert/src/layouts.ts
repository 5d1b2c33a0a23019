import { type AdaptedTensor, adaptFolder, type Folder } from '@multihead/checkpoint';

/**
 * The folder as Hugging Face would have written it, of one that Google published: `bert_config.json` and
 * a TensorFlow checkpoint (https://github.com/google-research/bert/blob/master/modeling.py), or the
 * `pytorch_model.bin` that the first libraries for PyTorch made of it.
 */
export async function asHuggingFace(folder: Folder): Promise<Folder> {
  if (folder.config !== undefined) return folder;
  const config = await folder.readJson('bert_config.json');
  if (config === undefined) return folder;
  return adaptFolder(folder, { config: { model_type: 'bert', ...config }, tensor: adapted });
}

/** What training left beside the weights. */
const LEFT_OUT = /\/(adam_m|adam_v|Adam|Adam_1|Momentum|LAMB\w*)$|^(global_step|beta[12]_power)$/;

/** What stands last in a name, and what it is called here. */
const PARTS: Record<string, string> = {
  kernel: 'weight',
  gamma: 'weight',
  beta: 'bias',
  bias: 'bias',
  output_weights: 'weight',
  output_bias: 'bias',
};

/** Layers on top that Google's scripts name after where they stand. */
const HEADS: Record<string, string> = { '': 'classifier', 'cls.squad': 'qa_outputs' };

function adapted(name: string): AdaptedTensor | undefined {
  if (LEFT_OUT.test(name)) return undefined;
  if (name.includes('.') && !name.includes('/')) return { name }; // PyTorch's names
  const path = name.split('/').map((part) => part.replace(/^layer_(\d+)$/, 'layer.$1'));
  const last = path.at(-1)!;
  const weight = Object.hasOwn(PARTS, last) ? PARTS[last] : undefined;
  if (weight === undefined) {
    return { name: [...path, ...(last.endsWith('_embeddings') ? ['weight'] : [])].join('.') };
  }
  const layer = path.slice(0, -1).join('.');
  const place = last.startsWith('output_') && Object.hasOwn(HEADS, layer) ? HEADS[layer] : layer;
  return { name: `${place}.${weight}`, transposed: last === 'kernel' };
}
