import { BertForSequenceClassification } from '@multihead/bert';
import { type Folder, type JsonObject, loadFolder, type StoredTensor } from '@multihead/checkpoint';
import { GPT2ForSequenceClassification, OpenAIGPTForSequenceClassification } from '@multihead/gpt';
import type { FromPretrainedOptions } from '@multihead/nn';
import type { Tokenizer } from '@multihead/tokenizers';
import { CliError } from './errors.js';
import type { Labels } from './labels.js';
import { loadBertTokenizer, loadTokenizer } from './load-tokenizer.js';

export type Classifier =
  | BertForSequenceClassification
  | GPT2ForSequenceClassification
  | OpenAIGPTForSequenceClassification;

/** What a family calls what a classifier is made of. */
interface Family {
  name: string;
  Model: {
    fromPretrained(source: Folder, options: FromPretrainedOptions): Promise<Classifier>;
  };
  /** What the keys of its classifier begin with. */
  head: string;
  /** The most tokens of a text: the field of config.json, and what it is where that is silent. */
  positions: readonly [key: string, usual: number];
  dropouts: readonly string[];
}

const gpt = { head: 'score.', dropouts: ['resid_pdrop', 'embd_pdrop', 'attn_pdrop'] };

/** By the `model_type` of config.json. */
const FAMILIES: Record<string, Family> = {
  bert: {
    name: 'BERT',
    Model: BertForSequenceClassification,
    head: 'classifier.',
    positions: ['max_position_embeddings', 512],
    dropouts: ['hidden_dropout_prob', 'attention_probs_dropout_prob'],
  },
  gpt2: {
    name: 'GPT-2',
    Model: GPT2ForSequenceClassification,
    positions: ['n_positions', 1024],
    ...gpt,
  },
  'openai-gpt': {
    name: 'GPT',
    Model: OpenAIGPTForSequenceClassification,
    positions: ['n_positions', 512],
    ...gpt,
  },
};

/** A folder whose model can become a classifier, or is one. */
export interface ClassifierSource {
  folder: Folder & { config: JsonObject };
  tokenizer: Tokenizer;
  family: Family;
  /** The most tokens of a text. */
  positions: number;
  /** Fills rows up: the configuration's, the tokenizer's, or the token that ends texts. */
  padTokenId: number;
  /** The classes of the classifier it is; undefined where it is none yet. */
  classes: string[] | undefined;
}

/** @throws CliError `BAD_INPUT` for another kind of model; what the loaders throw */
export async function openClassifier(
  source: string,
  tokenizerSource: string = source,
): Promise<ClassifierSource> {
  const folder = await loadFolder(source);
  const { config } = folder;
  const type = String(config?.model_type);
  if (config === undefined || !Object.hasOwn(FAMILIES, type)) {
    const known = Object.keys(FAMILIES).join(', ');
    const found =
      config === undefined ? 'there is no config.json' : `config.json says model_type ${type}`;
    throw new CliError('BAD_INPUT', `${source}: ${found}; this command takes ${known}.`);
  }
  const family = FAMILIES[type]!;
  const load = type === 'bert' ? loadBertTokenizer : loadTokenizer;
  const tokenizer = await load(tokenizerSource);
  const padTokenId = config.pad_token_id ?? tokenizer.padTokenId ?? tokenizer.eosTokenId;
  if (typeof padTokenId !== 'number') {
    throw new CliError(
      'BAD_INPUT',
      `${source} has neither a token that pads texts nor one that ends them.`,
    );
  }
  const [key, usual] = family.positions;
  return {
    folder: { ...folder, config },
    tokenizer,
    family,
    positions: Number(config[key] ?? usual),
    padTokenId,
    classes: classesOf(config),
  };
}

export interface NewClassifier {
  labels: Pick<Labels, 'problem' | 'names'>;
  /** Go on with the classifier it has; default a fresh one. */
  keepHead: boolean;
  /** In place of the configuration's. */
  dropout?: number | undefined;
  seed: number;
}

/**
 * The model with a classifier of these labels.
 *
 * @throws CliError `BAD_INPUT` where the folder lacks more than a classifier; what the loaders throw
 */
export async function loadClassifier(
  { folder, family, padTokenId }: ClassifierSource,
  { labels: { problem, names }, keepHead, dropout, seed }: NewClassifier,
): Promise<Classifier> {
  const { num_labels: _, ...config } = folder.config;
  const changed: Folder = {
    ...folder,
    config: {
      ...config,
      id2label: Object.fromEntries(names.map((name, id) => [`${id}`, name])),
      label2id: Object.fromEntries(names.map((name, id) => [name, id])),
      problem_type: problem,
      pad_token_id: padTokenId,
      ...(dropout !== undefined &&
        Object.fromEntries(family.dropouts.map((name) => [name, dropout]))),
    },
    tensors: (options) => withoutHead(folder.tensors(options), keepHead ? undefined : family.head),
  };
  let missing: string[] = [];
  const model = await family.Model.fromPretrained(changed, {
    initializeMissing: true,
    seed,
    onReport: (report) => {
      missing = report.missing;
    },
  });
  const lost = missing.filter(
    (key) => !key.startsWith(family.head) && !key.startsWith('bert.pooler.'),
  );
  if (lost.length === 0) return model;
  model.dispose();
  throw new CliError(
    'BAD_INPUT',
    `${folder.source} lacks ${lost.length} weights of a ${family.name}, ${lost[0]} among them: is it a checkpoint of one?`,
  );
}

async function* withoutHead(tensors: AsyncIterable<StoredTensor>, head: string | undefined) {
  for await (const tensor of tensors) {
    if (head === undefined || !tensor.name.startsWith(head)) yield tensor;
  }
}

function classesOf({
  architectures,
  id2label,
  num_labels: count,
}: JsonObject): string[] | undefined {
  const isOne =
    Array.isArray(architectures) &&
    architectures.some((name) => /ForSequenceClassification$/.test(String(name)));
  if (!isOne) return undefined;
  if (typeof id2label === 'object' && id2label !== null) return Object.values(id2label).map(String);
  return Array.from({ length: typeof count === 'number' ? count : 2 }, (_, i) => `LABEL_${i}`);
}
