import { headMasks } from '@multihead/attention';
import {
  Dropout,
  Embedding,
  isRecording,
  LayerNorm,
  ModelError,
  normal,
  type Weights,
} from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import { GPTBlock } from './block.js';
import type { GPTConfig } from './config.js';
import { type GPTForwardOptions, type GPTInputs, type ReadInputs, readInputs } from './inputs.js';

export interface GPTTrunkOutputs {
  /** [batch, length, nEmbd]; in GPT-2 after its last norm. */
  lastHiddenState: tf.Tensor;
  /** layers + 1 tensors [batch, length, nEmbd], the last of them `lastHiddenState` */
  hiddenStates?: tf.Tensor[];
  /** One tensor [batch, heads, query, key] a layer */
  attentions?: tf.Tensor[];
}

/** The part all GPTs share: embeddings and blocks, and in GPT-2 a norm at the end. */
export class GPTTrunk {
  readonly tokens: Embedding;
  readonly positions: Embedding;
  readonly blocks: readonly GPTBlock[];
  readonly finalNorm: LayerNorm | undefined;
  readonly #dropout: Dropout;

  constructor(
    weights: Weights,
    readonly config: GPTConfig,
  ) {
    const { nEmbd, embeddingNames: names } = config;
    const size = { embeddingDim: nEmbd, initializer: normal(config.initializerRange) };
    this.tokens = new Embedding(weights.at(names.tokens), {
      ...size,
      numEmbeddings: config.vocabSize,
    });
    this.positions = new Embedding(weights.at(names.positions), {
      ...size,
      numEmbeddings: config.nPositions,
    });
    this.blocks = Array.from(
      { length: config.nLayer },
      (_, i) => new GPTBlock(weights.at('h', i), config, i),
    );
    this.finalNorm = config.preNorm
      ? new LayerNorm(weights.at('ln_f'), nEmbd, { epsilon: config.layerNormEpsilon })
      : undefined;
    this.#dropout = new Dropout(config.embdPdrop);
  }

  /** Runs inside a model's `forward`, which frees what is not returned. */
  encode(inputs: GPTInputs, options: GPTForwardOptions = {}): GPTTrunkOutputs {
    const { random, outputHiddenStates = false, outputAttentions = false } = options;
    const past = inputs.pastKeyValues ?? undefined;
    if (past && isRecording()) {
      throw new ModelError(
        'BAD_INPUT',
        'pastKeyValues hold no gradient. Train on whole texts, without them.',
      );
    }
    const read = readInputs(inputs, this.config);
    const { nLayer: layers, nHead: heads } = this.config;
    const masks =
      inputs.headMask == null ? undefined : headMasks(inputs.headMask, { layers, heads });
    const hiddenStates: tf.Tensor[] = [];
    const attentions: tf.Tensor[] = [];
    const seen = past?.length ?? 0;
    try {
      let hidden = tf.tidy(() => this.#dropout.forward(this.#embed(read), random));
      this.blocks.forEach((block, i) => {
        if (outputHiddenStates) hiddenStates.push(hidden);
        const previous = hidden;
        const cache = past?.caches[i];
        const out = tf.tidy(() => {
          const blockInputs = {
            mask: read.mask,
            headMask: masks?.[i],
            cache,
            outputAttentions,
            random,
          };
          return block.forward(previous, blockInputs) as { hidden: tf.Tensor; weights: tf.Tensor };
        });
        hidden = out.hidden;
        if (!outputHiddenStates) previous.dispose(); // a backward pass has saved its own
        if (outputAttentions) attentions.push(out.weights);
      });
      const lastHiddenState = this.finalNorm ? this.finalNorm.forward(hidden) : hidden;
      return {
        lastHiddenState,
        ...(outputHiddenStates && { hiddenStates: [...hiddenStates, lastHiddenState] }),
        ...(outputAttentions && { attentions }),
      };
    } catch (error) {
      past?.truncate(seen); // as it was, in every layer
      throw error;
    }
  }

  /** The sum of token and position embeddings, and of type tokens', [batch, length, nEmbd]. */
  #embed({ ids, embeds, typeTokens, positions }: ReadInputs): tf.Tensor {
    const words = embeds ?? this.tokens.forward(ids!);
    const placed = tf.add(words, this.positions.forward(positions));
    return typeTokens ? tf.add(placed, this.tokens.forward(typeTokens)) : placed;
  }
}
