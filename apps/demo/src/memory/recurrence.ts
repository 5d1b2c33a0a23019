import type { ModelOutput } from '@multihead/nn';
import type { LMHeadOptions, LMHeadOutputs, TransfoXLLMHeadModel } from '@multihead/transformer-xl';
import * as tf from '@tensorflow/tfjs-core';

interface RecurrenceOptions {
  /** How many tokens are remembered. */
  memLen: number;
  /** Every token sees `memLen` tokens, wherever in its segment it stands. */
  sameLength?: boolean;
}

/** One reading of a text, segment by segment, each with the memory of those before it; first there is none. */
export class Recurrence {
  #mems: tf.Tensor[];

  constructor(
    readonly model: TransfoXLLMHeadModel,
    readonly options: RecurrenceOptions,
    mems = model.initMems(1, 0),
  ) {
    this.#mems = mems;
  }

  /** How many tokens are remembered. */
  get remembered(): number {
    return this.#mems[0]!.shape[1]!;
  }

  /** Takes in a segment, and foretells the token that follows each of its last ones. */
  read(
    ids: readonly number[],
    targets: readonly number[],
    wanted?: LMHeadOptions,
  ): ModelOutput<LMHeadOutputs> {
    const inputs = { inputIds: [[...ids]], targets: [[...targets]], mems: this.#mems };
    const outputs = this.model.forward(inputs, {
      sameLength: false,
      ...this.options,
      extLen: 0,
      // Of all words only those that follow are wanted.
      outputLogits: false,
      outputLosses: true,
      ...wanted,
    });
    if (outputs.mems) {
      const mems = outputs.mems.map((mem) => tf.clone(mem));
      this.dispose();
      this.#mems = mems;
    }
    return outputs;
  }

  /** Another reading that goes on from here. */
  fork(): Recurrence {
    const mems = this.#mems.map((mem) => tf.clone(mem));
    return new Recurrence(this.model, this.options, mems);
  }

  dispose(): void {
    tf.dispose(this.#mems);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
