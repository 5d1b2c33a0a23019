import { fromFloat32, readSafetensors, toFloat32, writeSafetensors } from '@multihead/checkpoint';
import type { ForwardOptions, Model } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { Segment } from './parallel-streams.js';

/** What a recurrent model remembers and sees in a pass, in place of what its configuration says. */
export interface RecurrentLengths {
  /** Tokens remembered. */
  memLen?: number | undefined;
  /** How many of a segment's last tokens the next begins with. */
  extLen?: number | undefined;
  /** Distances beyond this count as this. */
  clampLen?: number | undefined;
  /** Every token sees `memLen` tokens. */
  sameLength?: boolean | undefined;
}

/** A model that goes along streams with a memory, as `TransfoXLLMHeadModel` does. */
export interface RecurrentModel extends Model {
  forward(
    inputs: Pick<Segment, 'inputIds' | 'targets'> & { mems?: readonly tf.Tensor[] | undefined },
    options?: ForwardOptions & RecurrentLengths & { outputLogits?: boolean },
  ): {
    /** Mean over the targets, in nats. */
    loss?: tf.Tensor | undefined;
    /** For the next segment; absent where nothing is remembered. */
    mems?: tf.Tensor[] | undefined;
    dispose(): void;
  };
}

/** The memories that each segment hands to the next. It owns them. */
export class CarriedMemories {
  #mems: tf.Tensor[] | undefined;

  /** For this segment; none where streams begin, as the model begins a text. */
  before({ isFirst }: Segment): readonly tf.Tensor[] | undefined {
    if (isFirst) this.dispose();
    return this.#mems;
  }

  /** Takes over copies of what a segment left. */
  take(mems: readonly tf.Tensor[] | undefined): void {
    if (mems !== undefined) this.#keep(mems.map((mem) => tf.clone(mem)));
  }

  #keep(mems: tf.Tensor[]): void {
    this.dispose();
    this.#mems = mems.map((mem) => tf.keep(mem));
  }

  /** As a safetensors file. */
  toBytes(): Uint8Array {
    const stored = (this.#mems ?? []).map((mem, layer) =>
      fromFloat32(`mems.${layer}`, mem.shape, mem.dataSync<'float32'>()),
    );
    return writeSafetensors(stored);
  }

  /** Goes on from such a file. */
  async restore(bytes: Uint8Array, file: string): Promise<void> {
    const { tensors } = await readSafetensors(bytes, { file });
    const mems: tf.Tensor[] = [];
    for await (const stored of tensors()) {
      const layer = Number(stored.name.slice('mems.'.length));
      mems[layer] = tf.tensor(toFloat32(stored).slice(), stored.shape, 'float32');
    }
    if (mems.length > 0) this.#keep(mems);
  }

  dispose(): void {
    tf.dispose(this.#mems ?? []);
    this.#mems = undefined;
  }
}
