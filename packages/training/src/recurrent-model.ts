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

/**
 * The memories that each segment hands to the next, of one or several groups of streams. It owns them.
 * All change together, when the last group has taken its step: whatever ends a run before leaves those
 * that the step began with.
 */
export class CarriedMemories {
  readonly #groups: number;
  /** By group; empty where nothing is remembered. */
  #mems: tf.Tensor[][] = [];
  /** What those groups left that have taken the step under way. */
  #next: tf.Tensor[][] = [];

  constructor(groups = 1) {
    this.#groups = groups;
  }

  /** For this segment; none where streams begin, as the model begins a text. */
  before({ isFirst }: Pick<Segment, 'isFirst'>, group = 0): readonly tf.Tensor[] | undefined {
    return isFirst ? undefined : this.#mems[group];
  }

  /** Takes over copies of what a segment left. */
  take(mems: readonly tf.Tensor[] | undefined, group = 0): void {
    if (mems === undefined) return;
    this.#next[group] = mems.map((mem) => tf.keep(tf.clone(mem)));
    if (group < this.#groups - 1) return;
    tf.dispose(this.#mems);
    this.#mems = this.#next;
    this.#next = [];
  }

  /** As a safetensors file: layer after layer, group after group. */
  toBytes(): Uint8Array {
    const stored = this.#mems
      .flat()
      .map((mem, i) => fromFloat32(`mems.${i}`, mem.shape, mem.dataSync<'float32'>()));
    return writeSafetensors(stored);
  }

  /** Goes on from such a file. */
  async restore(bytes: Uint8Array, file: string): Promise<void> {
    const { tensors } = await readSafetensors(bytes, { file });
    const mems: tf.Tensor[] = [];
    try {
      for await (const stored of tensors()) {
        const at = Number(stored.name.slice('mems.'.length));
        mems[at] = tf.keep(tf.tensor(toFloat32(stored).slice(), stored.shape, 'float32'));
      }
    } catch (error) {
      tf.dispose(mems);
      throw error;
    }
    this.dispose();
    // (Of another number of groups is a run that `train` will refuse.)
    const layers = Math.ceil(mems.length / this.#groups);
    for (let at = 0; at < mems.length; at += layers) this.#mems.push(mems.slice(at, at + layers));
  }

  dispose(): void {
    tf.dispose([this.#mems, this.#next]);
    this.#mems = [];
    this.#next = [];
  }
}
