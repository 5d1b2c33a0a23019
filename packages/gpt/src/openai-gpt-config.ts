import type { JsonObject } from '@multihead/checkpoint';
import { bad, type DerivedName, GPTConfig } from './config.js';

/** The configuration of the first GPT: the fields of Hugging Face's `config.json` in camelCase. */
export class OpenAIGPTConfig extends GPTConfig {
  override readonly vocabSize: number = 40478;
  override readonly nPositions: number = 512;
  /** The activation: `gelu` (by its tanh approximation), `relu` or `silu`. */
  readonly afn: string = 'gelu';

  /** @throws ModelError `BAD_CONFIG` where the fields contradict each other */
  constructor(fields: Partial<OpenAIGPTConfigFields> = {}) {
    super();
    this.assign(fields);
  }

  /** @throws ModelError `BAD_CONFIG` for what is wrong or not supported */
  static fromJson(json: JsonObject): OpenAIGPTConfig {
    const config = new OpenAIGPTConfig();
    config.read(json);
    return config;
  }

  get innerSize(): number {
    return 4 * this.nEmbd;
  }

  get activation(): string {
    const name = ACTIVATIONS[this.afn];
    if (name !== undefined) return name;
    throw bad(`afn is "${this.afn}"; known are ${Object.keys(ACTIVATIONS).join(', ')}.`);
  }

  get preNorm(): boolean {
    return false;
  }

  get embeddingNames(): { tokens: string; positions: string } {
    return { tokens: 'tokens_embed', positions: 'positions_embed' };
  }

  get residualRange(): number {
    return this.initializerRange;
  }

  attentionScale(): number {
    return 1 / Math.sqrt(this.nEmbd / this.nHead);
  }

  protected get modelType(): string {
    return 'openai-gpt';
  }

  protected fresh(): OpenAIGPTConfig {
    return new OpenAIGPTConfig();
  }
}

export type OpenAIGPTConfigFields = Omit<OpenAIGPTConfig, DerivedName>;

/** What GPT calls gelu is the approximation that GPT-2 calls gelu_new. */
const ACTIVATIONS: Partial<Record<string, string>> = {
  gelu: 'gelu_new',
  gelu_new: 'gelu_new',
  relu: 'relu',
  silu: 'silu',
  swish: 'silu',
};
