import type { JsonObject, JsonValue } from '@multihead/checkpoint';
import {
  classLabels,
  type Initializer,
  type ModelConfig,
  ModelError,
  normal,
  PROBLEM_TYPES,
  type ProblemType,
  readFields,
  type SpecialTokens,
  specialTokensOf,
  writeFields,
} from '@multihead/nn';

const CUTOFFS = [20000, 40000, 200000];

/**
 * How attention knows where tokens stand, by the original's numbers:
 *
 * - 0: relative, sinusoids of the distance (Dai et al. 2019, §3.3): Transformer-XL
 * - 1: relative, a learnt vector for each distance (Shaw et al. 2018)
 * - 2: absolute, sinusoids added to the embeddings (Vaswani et al. 2017)
 * - 3: absolute, a learnt vector added in every layer (Al-Rfou et al. 2018)
 *
 * With `memLen` 0 each is without recurrence.
 */
export type AttentionType = 0 | 1 | 2 | 3;

/**
 * A Transformer-XL's configuration: the fields of Hugging Face's `config.json` in camelCase.
 *
 * ```ts
 * new TransfoXLConfig({ vocabSize: 65, dModel: 128, dEmbed: 128, nHead: 4, dHead: 32, dInner: 512, nLayer: 4, memLen: 64 })
 * ```
 */
export class TransfoXLConfig implements ModelConfig {
  readonly vocabSize: number = 267735;
  /** Where the vocabulary, sorted by frequency, is cut into clusters. */
  readonly cutoffs: readonly number[] = CUTOFFS;
  readonly dModel: number = 1024;
  /** Width of the most frequent words' vectors. */
  readonly dEmbed: number = 1024;
  readonly nHead: number = 16;
  readonly dHead: number = 64;
  readonly dInner: number = 4096;
  /** Cluster i's vectors are dEmbed / divValⁱ wide; 1: one table for all. */
  readonly divVal: number = 4;
  /** Layers normalize what enters their parts, in place of what leaves them. */
  readonly preLnorm: boolean = false;
  readonly nLayer: number = 18;
  /** Tokens of the segments before that are remembered; 0: no recurrence. */
  readonly memLen: number = 1600;
  /** Distances beyond this count as this; 0 or less: none is too far. */
  readonly clampLen: number = 1000;
  /**
   * Every token sees `memLen` tokens, its own among them, wherever in its segment it stands. Default true,
   * and false for a new configuration with `memLen` 0, where nothing would be left.
   */
  readonly sameLength: boolean = true;
  /** Every cluster but the first comes out by the projection it went in by. */
  readonly projShareAllButFirst: boolean = true;
  /** The same, cluster by cluster; null: as `projShareAllButFirst` says. */
  readonly tieProjs: readonly boolean[] | null = null;
  readonly attnType: AttentionType = 0;
  /**
   * In training, words are foretold among about twice so many that are drawn for each pass, in place of all;
   * 0 or less: among all. For a vocabulary sorted by frequency, without `cutoffs`.
   */
  readonly sampleSoftmax: number = -1;
  /** Whether there are clusters. */
  readonly adaptive: boolean = true;
  readonly dropout: number = 0.1;
  /** Dropout on the attention weights. */
  readonly dropatt: number = 0;
  /** The biases u and v are each layer's own. With `attnType` 0; in the others they always are. */
  readonly untieR: boolean = true;
  /** Fresh weights are N(0, initStd²) or U(−initRange, initRange). */
  readonly init: 'normal' | 'uniform' = 'normal';
  readonly initRange: number = 0.01;
  readonly projInitStd: number = 0.01;
  readonly initStd: number = 0.02;
  readonly layerNormEpsilon: number = 1e-5;
  /** Tokens of a segment in training; with extLen and memLen, how many distances types 1 and 3 learn. */
  readonly tgtLen: number = 128;
  /** How many of a segment's last tokens the next begins with, which the memory therefore leaves out. */
  readonly extLen: number = 0;
  /**
   * A text begins with nothing remembered, as in the original PyTorch code; else, as in Hugging Face's
   * library and the TensorFlow code, with `memLen` tokens of zeros. No field of Hugging Face's.
   */
  readonly emptyStart: boolean = false;
  /** Words come out by the table that they went in by. */
  readonly tieWordEmbeddings: boolean = true;
  readonly bosTokenId: number | null = null;
  readonly eosTokenId: number | readonly number[] | null = 0;
  readonly padTokenId: number | null = null;
  /** The classes' names by number; `numLabels` says how many there are. */
  readonly id2label: Readonly<Record<string, string>> = classLabels().id2label;
  readonly label2id: Readonly<Record<string, number>> = classLabels().label2id;
  /** What a sequence classifier learns; null: see `classificationLoss`. */
  readonly problemType: ProblemType | null = null;

  #original: JsonObject | undefined;

  /** @throws ModelError `BAD_CONFIG` where the fields contradict each other */
  constructor(fields: Partial<TransfoXLConfigFields> & { numLabels?: number } = {}) {
    const { cutoffs = this.#usualCutoffs(fields), sameLength = fields.memLen !== 0 } = fields;
    this.#assign({ ...fields, cutoffs, sameLength });
  }

  /** @throws ModelError `BAD_CONFIG` for what is wrong or not supported */
  static fromJson(json: JsonObject): TransfoXLConfig {
    const config = new TransfoXLConfig();
    config.#read(json);
    return config;
  }

  /** How many classes a classifier has. */
  get numLabels(): number {
    return Object.keys(this.id2label).length;
  }

  get specialTokens(): SpecialTokens {
    return specialTokensOf(this);
  }

  /** Of each cluster, whether it comes out by the projection it went in by. */
  get tiedProjections(): readonly boolean[] {
    const usual = [false, ...this.cutoffs.map(() => this.projShareAllButFirst)];
    return this.tieProjs ?? usual;
  }

  /** Distances that types 1 and 3 learn. */
  get maxKeyLength(): number {
    return this.tgtLen + this.extLen + this.memLen;
  }

  /** Of most weights. */
  get initializer(): Initializer {
    return this.init === 'normal' ? normal(this.initStd) : uniform(this.initRange);
  }

  /** What was read, unknown fields included, or a new `config.json`. */
  toJson(): JsonObject {
    if (this.#original === undefined) {
      const { tieProjs: _, ...fields } = { ...this };
      const tied = { tieProjs: this.tiedProjections };
      return {
        model_type: 'transfo-xl',
        ...writeFields<object>({ ...fields, ...tied }, undefined, { ...this }),
      };
    }
    // The labels' names are what was read, however they were written.
    const { id2label, label2id, ...fields } = { ...this } as TransfoXLConfig;
    const { id2label: _names, label2id: _ids, ...usual } = { ...new TransfoXLConfig() };
    return writeFields<object>(fields, this.#original, usual);
  }

  #assign(given: { numLabels?: number | undefined; [name: string]: unknown }): void {
    const { numLabels, ...fields } = given;
    for (const [name, value] of Object.entries(fields)) {
      if (!Object.hasOwn(this, name)) throw bad(`A transfo-xl has no field ${name}.`);
      if (value !== undefined) Object.assign(this, { [name]: value });
    }
    Object.assign(this, classLabels({ ...fields, numLabels }));
    this.#check();
  }

  /** Reads the fields a fresh configuration knows, and keeps the file to write it back. */
  #read(json: JsonObject): void {
    const { model_type: type = 'transfo-xl', num_labels: numLabels, ...rest } = json;
    if (type !== 'transfo-xl') {
      throw bad(
        `config.json says model_type: ${JSON.stringify(type)}; this package supports only "transfo-xl".`,
      );
    }
    const usual: object = { ...this };
    const fields = readFields({ ...rest, eos_token_id: null }, usual) as Record<string, unknown>;
    if (json.cutoffs == null) fields.cutoffs = this.#usualCutoffs(fields);
    for (const [name, key] of TOKEN_IDS) {
      fields[name] = json[key] === undefined ? this[name] : json[key]; // null: there is none
    }
    const counted = json.id2label === undefined && typeof numLabels === 'number';
    if (counted) delete fields.id2label;
    if (json.label2id === undefined) delete fields.label2id;
    this.#assign({ ...fields, ...(counted && { numLabels }) });
    this.#original = json;
  }

  /** The published model's, where the vocabulary is that large. */
  #usualCutoffs({ vocabSize = this.vocabSize, adaptive = true }: Partial<TransfoXLConfigFields>) {
    return adaptive && vocabSize > CUTOFFS.at(-1)! ? CUTOFFS : [];
  }

  #check(): void {
    const fields = { ...this } as unknown as Record<string, number>;
    for (const name of SIZES) {
      if (isCount(fields[name]!, 1)) continue;
      throw bad(`${name} must be a positive whole number, not ${fields[name]}.`);
    }
    for (const name of ['memLen', 'extLen']) {
      if (isCount(fields[name]!, 0)) continue;
      throw bad(`${name} must be 0 or a positive whole number, not ${fields[name]}.`);
    }
    if (!Number.isSafeInteger(this.clampLen)) {
      throw bad(`clampLen must be a whole number (0 or less: no clamp), not ${this.clampLen}.`);
    }
    for (const name of ['dropout', 'dropatt']) {
      if (fields[name]! >= 0 && fields[name]! < 1) continue;
      throw bad(`${name} must be from 0 up to but not 1, not ${fields[name]}.`);
    }
    for (const name of ['layerNormEpsilon', 'initRange', 'initStd', 'projInitStd']) {
      if (fields[name]! >= 0 && Number.isFinite(fields[name])) continue;
      throw bad(`${name} must be 0 or more, not ${fields[name]}.`);
    }
    oneOf('attnType', this.attnType, [0, 1, 2, 3]);
    oneOf('init', this.init, ['normal', 'uniform']);
    if (this.problemType !== null) oneOf('problemType', this.problemType, PROBLEM_TYPES);
    if (!Number.isSafeInteger(this.sampleSoftmax)) {
      throw bad(`sampleSoftmax must be a whole number, not ${this.sampleSoftmax}.`);
    }
    if (!Array.isArray(this.cutoffs)) {
      throw bad(`cutoffs must be a list of numbers, not ${this.cutoffs}.`);
    }
    if (!this.adaptive && this.cutoffs.length > 0) {
      throw bad(`adaptive is false, yet there are cutoffs [${this.cutoffs}]: leave them out.`);
    }
    if (this.sampleSoftmax > 0 && this.cutoffs.length > 0) {
      throw bad(
        'sampleSoftmax draws from one cluster, and cutoffs make several: leave out either.',
      );
    }
    if (this.sameLength && this.memLen === 0) {
      throw bad('With sameLength every token sees memLen tokens, and memLen is 0.');
    }
    if (this.attnType === 3 && this.nHead * this.dHead !== this.dModel) {
      throw bad(
        `attnType 3 adds vectors of nHead · dHead = ${this.nHead * this.dHead} to hidden states of dModel = ${this.dModel}.`,
      );
    }
    if (this.attnType % 2 === 0 && this.dModel % 2 === 1) {
      throw bad(`dModel must be even, for a sine and a cosine each, not ${this.dModel}.`);
    }
    const tied = this.tieProjs;
    if (tied !== null && (!Array.isArray(tied) || tied.length !== this.cutoffs.length + 1)) {
      throw bad(`tieProjs must say yes or no to each of ${this.cutoffs.length + 1} clusters.`);
    }
    for (const [name] of TOKEN_IDS) {
      if ([this[name] ?? []].flat().every((id) => Number.isSafeInteger(id))) continue;
      throw bad(`${name} must be an id or null, not ${JSON.stringify(this[name])}.`);
    }
  }
}

/** What can be given to a new configuration. */
export type TransfoXLConfigFields = Omit<
  TransfoXLConfig,
  'initializer' | 'maxKeyLength' | 'numLabels' | 'specialTokens' | 'tiedProjections' | 'toJson'
>;

const bad = (message: string): ModelError => new ModelError('BAD_CONFIG', message);

function oneOf(name: string, value: JsonValue, known: readonly JsonValue[]): void {
  if (known.includes(value)) return;
  throw bad(`${name} must be one of ${known.join(', ')}, not ${JSON.stringify(value)}.`);
}

const isCount = (n: number, least: number): boolean => Number.isSafeInteger(n) && n >= least;

const uniform =
  (range: number): Initializer =>
  (values, random) => {
    for (let i = 0; i < values.length; i++) values[i] = range * (2 * random.uniform() - 1);
  };

const TOKEN_IDS = [
  ['bosTokenId', 'bos_token_id'],
  ['eosTokenId', 'eos_token_id'],
  ['padTokenId', 'pad_token_id'],
] as const;

const SIZES = [
  'vocabSize',
  'dModel',
  'dEmbed',
  'nHead',
  'dHead',
  'dInner',
  'divVal',
  'nLayer',
  'tgtLen',
];
