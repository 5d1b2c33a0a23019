import type { JsonObject, JsonValue } from '@multihead/checkpoint';
import {
  activation,
  classLabels,
  type ModelConfig,
  ModelError,
  PROBLEM_TYPES,
  type ProblemType,
  readFields,
  type SpecialTokens,
  specialTokensOf,
  writeFields,
} from '@multihead/nn';

/** What GPT and GPT-2 have in common: the fields of Hugging Face's `config.json` in camelCase. */
export abstract class GPTConfig implements ModelConfig {
  readonly vocabSize: number = 0;
  /** The longest sequence, in tokens. */
  readonly nPositions: number = 0;
  readonly nEmbd: number = 768;
  readonly nLayer: number = 12;
  readonly nHead: number = 12;
  /** Dropout after attention and after the feed-forward network. */
  readonly residPdrop: number = 0.1;
  /** Dropout on the embeddings. */
  readonly embdPdrop: number = 0.1;
  /** Dropout on the attention weights. */
  readonly attnPdrop: number = 0.1;
  readonly layerNormEpsilon: number = 1e-5;
  /** Standard deviation of fresh weights. */
  readonly initializerRange: number = 0.02;
  /** The head is the word embedding. */
  readonly tieWordEmbeddings: boolean = true;
  readonly bosTokenId: number | null = null;
  readonly eosTokenId: number | readonly number[] | null = null;
  readonly padTokenId: number | null = null;
  /** What stands for a text in the multiple-choice head. */
  readonly summaryType: 'last' | 'first' | 'mean' | 'cls_index' = 'cls_index';
  readonly summaryUseProj: boolean = true;
  /** One of nn's `ActivationName`, or none. */
  readonly summaryActivation: string | null = null;
  /** One logit a choice; otherwise the projection keeps the size. */
  readonly summaryProjToLabels: boolean = true;
  readonly summaryFirstDropout: number = 0.1;
  readonly summaryLastDropout: number = 0;
  /** The classes' names by number; `numLabels` says how many there are. */
  readonly id2label: Readonly<Record<string, string>> = classLabels().id2label;
  readonly label2id: Readonly<Record<string, number>> = classLabels().label2id;
  /** What a sequence classifier learns; null: see `classificationLoss`. */
  readonly problemType: ProblemType | null = null;
  /** Dropout before the token classifier; null: 0.1. */
  readonly classifierDropout: number | null = null;

  #original: JsonObject | undefined;

  /** How many classes a classifier has. */
  get numLabels(): number {
    return Object.keys(this.id2label).length;
  }

  get specialTokens(): SpecialTokens {
    return specialTokensOf(this);
  }

  /** Width of the feed-forward network. */
  abstract get innerSize(): number;
  /** One of nn's `ActivationName`. */
  abstract get activation(): string;
  /** Whether layers normalize what enters their parts (GPT-2), or what leaves them (GPT). */
  abstract get preNorm(): boolean;
  /** Names of the embeddings in the checkpoint. */
  abstract get embeddingNames(): { tokens: string; positions: string };
  /** Standard deviation of the fresh weights that lead back to the residual stream. */
  abstract get residualRange(): number;
  /** What multiplies the scores in this layer, counted from 0. */
  abstract attentionScale(layer: number): number;
  protected abstract get modelType(): string;
  /** A configuration that was given nothing. */
  protected abstract fresh(): GPTConfig;

  /** What was read, unknown fields included, or a new `config.json`. */
  toJson(): JsonObject {
    if (this.#original === undefined) {
      return {
        model_type: this.modelType,
        ...writeFields<object>({ ...this }, undefined, { ...this }),
      };
    }
    // The labels' names are what was read, however they were written.
    const { id2label, label2id, ...fields } = { ...this } as GPTConfig;
    const { id2label: _names, label2id: _ids, ...usual } = { ...this.fresh() };
    return writeFields<object>(fields, this.#original, usual);
  }

  /** Takes over the fields that are given. @throws ModelError `BAD_CONFIG` */
  protected assign(given: { numLabels?: number | undefined } & object): void {
    const { numLabels, ...fields } = given;
    for (const [name, value] of Object.entries(fields)) {
      if (!Object.hasOwn(this, name)) throw bad(`A ${this.modelType} has no field ${name}.`);
      if (value !== undefined) Object.assign(this, { [name]: value });
    }
    Object.assign(this, classLabels({ ...fields, numLabels }));
    this.check();
  }

  /** Reads the fields a fresh configuration knows, and keeps the file to write it back. */
  protected read(json: JsonObject): void {
    const supported = { model_type: this.modelType, add_cross_attention: false };
    for (const [name, value] of Object.entries(supported)) {
      if ((json[name] ?? value) === value) continue;
      const found = JSON.stringify(json[name]);
      throw bad(
        `config.json says ${name}: ${found}; this package supports only ${JSON.stringify(value)}.`,
      );
    }
    const fresh: object = { ...this };
    const fields = readFields({ ...json, eos_token_id: null }, fresh) as Record<string, unknown>;
    for (const [name, key] of TOKEN_IDS) {
      fields[name] = json[key] === undefined ? this[name] : json[key]; // null: there is none
    }
    const { num_labels: numLabels } = json;
    const counted = json.id2label === undefined && typeof numLabels === 'number';
    if (counted) delete fields.id2label;
    if (json.label2id === undefined) delete fields.label2id;
    this.assign({ ...fields, ...(counted && { numLabels }) });
    this.#original = json;
  }

  protected check(): void {
    const fields = { ...this } as Record<string, unknown>;
    for (const name of ['vocabSize', 'nPositions', 'nEmbd', 'nLayer', 'nHead']) {
      if (Number.isSafeInteger(fields[name]) && (fields[name] as number) > 0) continue;
      throw bad(`${name} must be a positive whole number, not ${fields[name]}.`);
    }
    if (this.nEmbd % this.nHead !== 0) {
      throw bad(`nEmbd ${this.nEmbd} is no multiple of nHead ${this.nHead}.`);
    }
    const rates = { ...fields, classifierDropout: this.classifierDropout ?? 0 };
    for (const name of RATES) {
      const rate = rates[name as keyof typeof rates] as number;
      if (rate >= 0 && rate < 1) continue;
      throw bad(`${name} must be from 0 up to but not 1, not ${rate}.`);
    }
    for (const name of ['layerNormEpsilon', 'initializerRange'] as const) {
      if (this[name] >= 0 && Number.isFinite(this[name])) continue;
      throw bad(`${name} must be 0 or more, not ${this[name]}.`);
    }
    for (const [name] of TOKEN_IDS) {
      if ([fields[name] ?? []].flat().every((id) => Number.isSafeInteger(id))) continue;
      throw bad(`${name} must be an id or null, not ${JSON.stringify(fields[name])}.`);
    }
    oneOf('summaryType', this.summaryType, ['last', 'first', 'mean', 'cls_index']);
    if (this.problemType !== null) oneOf('problemType', this.problemType, PROBLEM_TYPES);
    activation(this.activation);
    if (this.summaryActivation !== null) activation(this.summaryActivation);
  }
}

/** What is no field of `config.json`. */
export type DerivedName =
  | 'activation'
  | 'attentionScale'
  | 'embeddingNames'
  | 'innerSize'
  | 'preNorm'
  | 'residualRange'
  | 'specialTokens'
  | 'toJson';

export const bad = (message: string): ModelError => new ModelError('BAD_CONFIG', message);

function oneOf(name: string, value: JsonValue, known: readonly string[]): void {
  if (known.includes(value as string)) return;
  throw bad(`${name} must be one of ${known.join(', ')}, not ${JSON.stringify(value)}.`);
}

const TOKEN_IDS = [
  ['bosTokenId', 'bos_token_id'],
  ['eosTokenId', 'eos_token_id'],
  ['padTokenId', 'pad_token_id'],
] as const;

const RATES = [
  'residPdrop',
  'embdPdrop',
  'attnPdrop',
  'summaryFirstDropout',
  'summaryLastDropout',
  'classifierDropout',
];
