import type { JsonObject } from '@multihead/checkpoint';
import {
  activation,
  classLabels,
  type ModelConfig,
  ModelError,
  PROBLEM_TYPES,
  type ProblemType,
  readFields,
  writeFields,
} from '@multihead/nn';

/**
 * A BERT's configuration: the fields of Hugging Face's `config.json` in camelCase.
 *
 * ```ts
 * new BertConfig({ vocabSize: 8192, hiddenSize: 128, numHiddenLayers: 2, numAttentionHeads: 2, intermediateSize: 512 })
 * ```
 */
export class BertConfig implements ModelConfig {
  readonly vocabSize: number = 30522;
  readonly hiddenSize: number = 768;
  readonly numHiddenLayers: number = 12;
  readonly numAttentionHeads: number = 12;
  readonly intermediateSize: number = 3072;
  /** One of nn's `ActivationName`. */
  readonly hiddenAct: string = 'gelu';
  readonly hiddenDropoutProb: number = 0.1;
  readonly attentionProbsDropoutProb: number = 0.1;
  /** The longest sequence, in tokens. */
  readonly maxPositionEmbeddings: number = 512;
  readonly typeVocabSize: number = 2;
  /** Standard deviation of fresh weights. */
  readonly initializerRange: number = 0.02;
  readonly layerNormEps: number = 1e-12;
  /** Its embedding learns nothing from being looked up; null where no token is padding. */
  readonly padTokenId: number | null = 0;
  /** The masked-LM decoder is the word embedding. */
  readonly tieWordEmbeddings: boolean = true;
  /** The classes' names by number; `numLabels` says how many there are. */
  readonly id2label: Readonly<Record<string, string>> = classLabels().id2label;
  readonly label2id: Readonly<Record<string, number>> = classLabels().label2id;
  /** What a sequence classifier learns; null: see `classificationLoss`. */
  readonly problemType: ProblemType | null = null;
  /** Dropout before a classifier; null: `hiddenDropoutProb`. */
  readonly classifierDropout: number | null = null;

  #original: JsonObject | undefined;

  /** @throws ModelError `BAD_CONFIG` where the fields contradict each other */
  constructor({ numLabels, ...fields }: Partial<BertConfigFields> = {}) {
    for (const [name, value] of Object.entries(fields)) {
      if (!Object.hasOwn(this, name)) {
        throw new ModelError('BAD_CONFIG', `BertConfig has no field ${name}.`);
      }
      if (value !== undefined) Object.assign(this, { [name]: value });
    }
    Object.assign(this, classLabels({ ...fields, numLabels }));
    this.#check();
  }

  /** How many classes a classifier has. */
  get numLabels(): number {
    return Object.keys(this.id2label).length;
  }

  /** @throws ModelError `BAD_CONFIG` for what is wrong or not supported */
  static fromJson(json: JsonObject): BertConfig {
    for (const [name, supported] of Object.entries(SUPPORTED)) {
      const value = json[name] ?? supported;
      if (value !== supported) {
        throw new ModelError(
          'BAD_CONFIG',
          `config.json says ${name}: ${JSON.stringify(value)}; this BERT supports only ${JSON.stringify(supported)}.`,
        );
      }
    }
    const { id2label, label2id, ...usual } = { ...new BertConfig() };
    const fields = readFields<object>(json, usual);
    const { num_labels: count } = json;
    const named = json.id2label !== undefined;
    const config = new BertConfig({
      ...fields,
      ...readFields(json, { ...(named && { id2label }), ...(json.label2id && { label2id }) }),
      ...(!named && typeof count === 'number' && { numLabels: count }),
      ...(json.pad_token_id === null && { padTokenId: null }),
    });
    config.#original = json;
    return config;
  }

  /** What was read, unknown fields included, or a new `config.json`. */
  toJson(): JsonObject {
    // Of labels, what was read is written; in a new file they stand where there are any to speak of.
    const { id2label, label2id, problemType, classifierDropout, ...fields } = { ...this };
    const { id2label: _names, label2id: _ids, ...usual } = { ...new BertConfig() };
    const head = { problemType, classifierDropout };
    if (this.#original !== undefined) {
      return writeFields<object>({ ...fields, ...head }, this.#original, usual);
    }
    const isPlain = JSON.stringify(id2label) === JSON.stringify(classLabels().id2label);
    const written = {
      ...fields,
      ...(!isPlain && { id2label, label2id }),
      ...(problemType !== null && { problemType }),
      ...(classifierDropout !== null && { classifierDropout }),
    };
    return { model_type: 'bert', ...writeFields<object>(written, undefined, written) };
  }

  #check(): void {
    const sizes = { ...this } as Record<string, unknown>;
    for (const name of SIZES) {
      if (!(Number.isSafeInteger(sizes[name]) && (sizes[name] as number) > 0)) {
        throw new ModelError(
          'BAD_CONFIG',
          `${name} must be a positive whole number, not ${sizes[name]}.`,
        );
      }
    }
    if (this.hiddenSize % this.numAttentionHeads !== 0) {
      throw new ModelError(
        'BAD_CONFIG',
        `hiddenSize ${this.hiddenSize} is no multiple of numAttentionHeads ${this.numAttentionHeads}.`,
      );
    }
    for (const name of RATES) {
      const rate = this[name];
      if (!(rate >= 0 && rate < 1)) {
        throw new ModelError('BAD_CONFIG', `${name} must be from 0 up to but not 1, not ${rate}.`);
      }
    }
    for (const name of ['layerNormEps', 'initializerRange'] as const) {
      if (!(this[name] >= 0 && Number.isFinite(this[name]))) {
        throw new ModelError('BAD_CONFIG', `${name} must be 0 or more, not ${this[name]}.`);
      }
    }
    const { padTokenId, vocabSize } = this;
    const isId = Number.isSafeInteger(padTokenId) && padTokenId! >= 0 && padTokenId! < vocabSize;
    if (padTokenId !== null && !isId) {
      throw new ModelError(
        'BAD_CONFIG',
        `padTokenId ${padTokenId} is not among the ${vocabSize} ids.`,
      );
    }
    const dropout = this.classifierDropout ?? 0;
    if (!(dropout >= 0 && dropout < 1)) {
      throw new ModelError(
        'BAD_CONFIG',
        `classifierDropout must be from 0 up to but not 1, or null, not ${dropout}.`,
      );
    }
    if (this.problemType !== null && !PROBLEM_TYPES.includes(this.problemType)) {
      throw new ModelError(
        'BAD_CONFIG',
        `problemType must be one of ${PROBLEM_TYPES.join(', ')}, not ${JSON.stringify(this.problemType)}.`,
      );
    }
    activation(this.hiddenAct);
  }
}

export type BertConfigFields = Omit<BertConfig, 'toJson'>;

const SIZES = [
  'vocabSize',
  'hiddenSize',
  'numHiddenLayers',
  'numAttentionHeads',
  'intermediateSize',
  'maxPositionEmbeddings',
  'typeVocabSize',
];

const RATES = ['hiddenDropoutProb', 'attentionProbsDropoutProb'] as const;

/** Fields of other BERTs, each with the one value it may have here. */
const SUPPORTED: JsonObject = {
  model_type: 'bert',
  position_embedding_type: 'absolute',
  is_decoder: false,
  add_cross_attention: false,
};
