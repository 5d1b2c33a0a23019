import {
  type AdaptedTensor,
  adaptFolder,
  type Folder,
  type TensorInfo,
} from '@multihead/checkpoint';

/**
 * GPT-2 as OpenAI published it: `hparams.json`, `encoder.json`, `vocab.bpe` and a TensorFlow checkpoint
 * (https://github.com/openai/gpt-2/blob/master/src/model.py).
 */
export async function openAIsFolder(folder: Folder): Promise<Folder | undefined> {
  if (folder.config !== undefined) return undefined;
  const hparams = await folder.readJson('hparams.json');
  if (hparams === undefined) return undefined;
  const end = (await folder.readJson('encoder.json'))?.['<|endoftext|>'] ?? null;
  const { n_vocab = 50257, n_ctx = 1024, n_embd = 768, n_layer = 12, n_head = 12 } = hparams;
  return adaptFolder(folder, {
    config: {
      model_type: 'gpt2',
      vocab_size: n_vocab,
      n_positions: n_ctx,
      n_embd,
      n_layer,
      n_head,
      activation_function: 'gelu_new',
      layer_norm_epsilon: 1e-5,
      bos_token_id: end,
      eos_token_id: end,
    },
    tensor: adapted,
  });
}

/** The parts' names; a weight is `w`, a norm's scale `g`, and either's bias `b`. */
const PARTS: Record<string, string> = { w: 'weight', g: 'weight', b: 'bias' };

/** What an optimizer of TensorFlow kept beside a weight. */
const SLOTS = /\/(Adam|Momentum|adam_m|adam_v)(_\d+)?$/i;

function adapted(name: string, { shape }: TensorInfo): AdaptedTensor | undefined {
  if (SLOTS.test(name)) return undefined;
  const embedding = /^model\/(wte|wpe)$/.exec(name);
  if (embedding) return { name: `transformer.${embedding[1]}.weight` };
  const weight = /^model\/(?:h(\d+)\/)?(.+)\/([wgb])$/.exec(name);
  if (!weight) return { name };
  const [, layer, part, kind] = weight as unknown as [string, string | undefined, string, string];
  const place = layer === undefined ? '' : `h.${layer}.`;
  const path = `transformer.${place}${part.replaceAll('/', '.')}.${PARTS[kind]}`;
  // Linear layers are convolutions of width 1: [1, in, out].
  return kind === 'w' && shape.length === 3 && shape[0] === 1
    ? { name: path, shape: shape.slice(1) }
    : { name: path };
}
