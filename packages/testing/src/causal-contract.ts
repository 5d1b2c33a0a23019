import { expect, test } from '@jest/globals';
import type { CausalModel, CausalState, CausalStepOptions } from '@multihead/nn';
import * as tf from '@tensorflow/tfjs-core';
import { distance } from './closeness.js';
import type { VariantModel } from './variant-model.js';

/** What the contract needs: the model, and texts of one length. */
interface Subject {
  model: () => VariantModel;
  ids: number[][];
  vocabSize: number;
}

/**
 * What a causal model's state keeps: tokens taken in one by one or in parts give the logits of a whole
 * pass, rows keep to themselves however they are padded, reordered or repeated, and a step that fails
 * changes nothing.
 */
export function causalContract({ model, ids, vocabSize }: Subject): void {
  const causal = () => model() as CausalModel & VariantModel;
  const [batch, length] = [ids.length, ids[0]!.length];
  const columns = (from: number, to: number, rows = ids) => rows.map((row) => row.slice(from, to));

  /** Logits of every position by one pass without a state, row by row. */
  const whole = (rows: number[][]): Float32Array[] =>
    rows.map((inputIds) => {
      const outputs = model().forward({ inputIds }) as unknown as Record<string, tf.Tensor>;
      const logits = Float32Array.from(outputs.logits!.dataSync() as Float32Array);
      (outputs as unknown as { dispose(): void }).dispose();
      return logits;
    });
  const step = (tokens: number[][], state: CausalState, options?: CausalStepOptions) => {
    using outputs = causal().step(tokens, state, options);
    return Float32Array.from(outputs.logits.dataSync());
  };
  const at = (logits: Float32Array, position: number) =>
    logits.subarray(position * vocabSize, (position + 1) * vocabSize);
  /** The last logits of a step are those of these rows at this position. */
  const expectLast = (logits: Float32Array, expected: Float32Array[], position: number) => {
    expect(logits.length).toBe(expected.length * vocabSize);
    expected.forEach((row, i) => {
      expect(distance(at(logits, i), at(row, position)).absolute).toBeLessThan(1e-5);
    });
  };

  test('a text in steps of any size gives the logits of one pass', () => {
    const expected = whole(ids);
    for (const sizes of [[length], Array<number>(length).fill(1), [1, length - 2, 1]]) {
      using state = causal().createState({ batch, capacity: length });
      let end = 0;
      for (const size of sizes) {
        const tokens = columns(end, end + size);
        const all = step(tokens, state, { allLogits: true });
        ids.forEach((_, row) => {
          const part = expected[row]!.subarray(end * vocabSize, (end + size) * vocabSize);
          const mine = all.subarray(row * part.length, (row + 1) * part.length);
          expect(distance(mine, part).absolute).toBeLessThan(1e-5);
        });
        end += size;
        expect(state).toMatchObject({ batch, length: end });
      }
    }
  });

  test('without a capacity there is room for as much as the model takes', () => {
    const { contextLength = 40 } = causal();
    using state = causal().createState({ batch: 1 });
    for (let i = 0; i < contextLength; i++) step([[1 + (i % (vocabSize - 1))]], state);
    expect(state.length).toBe(contextLength);
  });

  test('padding on the left of texts of different lengths changes nothing', () => {
    const leftPadding = ids.map((_, row) => 2 * row);
    const texts = ids.map((row, i) => row.slice(0, length - leftPadding[i]!));
    const padded = texts.map((row, i) => [...Array<number>(leftPadding[i]!).fill(0), ...row]);
    using state = causal().createState({ batch, capacity: length + 1, leftPadding });
    step(columns(0, length - 1, padded), state);
    const logits = step(columns(length - 1, length, padded), state);
    whole(texts).forEach((row, i) => {
      const last = at(row, texts[i]!.length - 1);
      expect(distance(at(logits, i), last).absolute).toBeLessThan(1e-5);
    });
    state.select([batch - 1]); // its padding goes with it
    const more = step([[1]], state);
    expectLast(more, whole([[...texts[batch - 1]!, 1]]), texts[batch - 1]!.length);
  });

  test('rows are reordered, repeated and dropped with what they have seen', () => {
    using state = causal().createState({ batch, capacity: length });
    step(columns(0, length - 2), state);
    const rows = [batch - 1, 0, 0, batch - 1];
    state.select(rows);
    expect(state).toMatchObject({ batch: rows.length, length: length - 2 });
    const texts = rows.map((row, i) => [...ids[row]!.slice(0, length - 2), 1 + i]);
    expectLast(step(columns(length - 2, length - 1, texts), state), whole(texts), length - 2);
    state.select([2]);
    const one = [[...texts[2]!, 2]];
    expectLast(step([[2]], state), whole(one), length - 1);
    expect(() => state.select([1])).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
    expect(() => state.select([])).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
  });

  test('tokens are taken back, where a model can', () => {
    using state = causal().createState({ batch, capacity: length });
    if (state.truncate === undefined) return;
    step(ids, state);
    state.truncate(2);
    expect(state.length).toBe(2);
    expectLast(step(columns(2, 3), state), whole(ids), 2);
    expect(() => state.truncate!(4)).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
  });

  test('a step that is refused leaves the state as it was', () => {
    using state = causal().createState({ batch, capacity: length });
    step(columns(0, 2), state);
    const before = tf.memory().numTensors;
    const code = (tokens: number[][]) => {
      try {
        step(tokens, state);
      } catch (error) {
        return (error as { code?: string }).code;
      }
      return undefined;
    };
    expect(code(ids.map(() => [vocabSize]))).toBe('ID_OUT_OF_RANGE');
    expect(code(ids.slice(1).map(() => [1]))).toBe('WRONG_SHAPE');
    if (state.capacity !== undefined) expect(code(ids)).toBe('CONTEXT_EXCEEDED');
    expect(code([])).toBe('BAD_INPUT');
    expect(tf.memory().numTensors).toBe(before);
    expect(state.length).toBe(2);
    expectLast(step(columns(2, 3), state), whole(ids), 2);
    for (const options of [
      { batch: 0 },
      { batch: 1, capacity: 0 },
      { batch: 2, leftPadding: [1] },
    ]) {
      const create = () => causal().createState(options);
      expect(create).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  test('decoding leaves no tensor behind', () => {
    const before = tf.memory().numTensors;
    for (let i = 0; i < 10; i++) {
      using state = causal().createState({ batch, capacity: length });
      for (let k = 0; k < length; k++) {
        step(columns(k, k + 1), state, {
          outputAttentions: k % 2 === 0,
          outputHiddenStates: k % 3 === 0,
        });
        if (k === 2) state.select(ids.map((_, row) => batch - 1 - row));
      }
    }
    expect(tf.memory().numTensors).toBe(before);
  });
}
