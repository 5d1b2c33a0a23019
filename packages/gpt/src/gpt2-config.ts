import type { JsonObject } from '@multihead/checkpoint';
import { bad, type DerivedName, GPTConfig } from './config.js';

/**
 * A GPT-2's configuration: the fields of Hugging Face's `config.json` in camelCase.
 *
 * ```ts
 * new GPT2Config({ vocabSize: 65, nPositions: 64, nEmbd: 128, nLayer: 4, nHead: 4 })
 * ```
 */
export class GPT2Config extends GPTConfig {
  override readonly vocabSize: number = 50257;
  override readonly nPositions: number = 1024;
  /** Width of the feed-forward network; null: 4 · nEmbd. */
  readonly nInner: number | null = null;
  /** One of nn's `ActivationName`. */
  readonly activationFunction: string = 'gelu_new';
  /** Divide the scores by √headSize. */
  readonly scaleAttnWeights: boolean = true;
  /** Divide the scores of layer i by i + 1 too. */
  readonly scaleAttnByInverseLayerIdx: boolean = false;
  /** Compute the scores in float32, which here they always are. */
  readonly reorderAndUpcastAttn: boolean = false;
  /** The end-of-text token of GPT-2's vocabulary; null in a smaller one. Likewise `eosTokenId`. */
  override readonly bosTokenId: number | null = 50256;
  override readonly eosTokenId: number | readonly number[] | null = 50256;

  /** @throws ModelError `BAD_CONFIG` where the fields contradict each other */
  constructor(fields: Partial<GPT2ConfigFields> = {}) {
    super();
    const { vocabSize = this.vocabSize, bosTokenId, eosTokenId } = fields;
    const usual = vocabSize > 50256 ? 50256 : null;
    const ids = {
      bosTokenId: bosTokenId === undefined ? usual : bosTokenId,
      eosTokenId: eosTokenId === undefined ? usual : eosTokenId,
    };
    this.assign({ ...fields, ...ids });
  }

  /** @throws ModelError `BAD_CONFIG` for what is wrong or not supported */
  static fromJson(json: JsonObject): GPT2Config {
    const config = new GPT2Config();
    config.read(json);
    return config;
  }

  get innerSize(): number {
    return this.nInner ?? 4 * this.nEmbd;
  }

  get activation(): string {
    return this.activationFunction;
  }

  get preNorm(): boolean {
    return true;
  }

  get embeddingNames(): { tokens: string; positions: string } {
    return { tokens: 'wte', positions: 'wpe' };
  }

  /** Two additions a layer: so the stream's variance stays (Radford et al. 2019, §2.3). */
  get residualRange(): number {
    return this.initializerRange / Math.sqrt(2 * this.nLayer);
  }

  attentionScale(layer: number): number {
    const scale = this.scaleAttnWeights ? 1 / Math.sqrt(this.nEmbd / this.nHead) : 1;
    return this.scaleAttnByInverseLayerIdx ? scale / (layer + 1) : scale;
  }

  protected get modelType(): string {
    return 'gpt2';
  }

  protected fresh(): GPT2Config {
    return new GPT2Config();
  }

  protected override check(): void {
    super.check();
    if (this.nInner === null || (Number.isSafeInteger(this.nInner) && this.nInner > 0)) return;
    throw bad(`nInner must be a positive whole number or null, not ${this.nInner}.`);
  }
}

export type GPT2ConfigFields = Omit<GPT2Config, DerivedName>;
