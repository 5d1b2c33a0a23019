import type { JsonObject } from '@multihead/checkpoint';
import { activation, type ModelConfig, ModelError, readFields, writeFields } from '@multihead/nn';

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

  #original: JsonObject | undefined;

  /** @throws ModelError `BAD_CONFIG` where the fields contradict each other */
  constructor(fields: Partial<BertConfigFields> = {}) {
    for (const [name, value] of Object.entries(fields)) {
      if (!(name in this)) {
        throw new ModelError('BAD_CONFIG', `BertConfig has no field ${name}.`);
      }
      if (value !== undefined) Object.assign(this, { [name]: value });
    }
    this.#check();
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
    const fields = readFields<BertConfigFields>(json, { ...new BertConfig() });
    const config = new BertConfig(
      json.pad_token_id === null ? { ...fields, padTokenId: null } : fields,
    );
    config.#original = json;
    return config;
  }

  /** What was read, unknown fields included, or a new `config.json`. */
  toJson(): JsonObject {
    const json = writeFields<BertConfigFields>({ ...this }, this.#original, {
      ...new BertConfig(),
    });
    return this.#original === undefined ? { model_type: 'bert', ...json } : json;
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
