import { beforeAll, describe, expect, test } from '@jest/globals';
import { GPT2Config, GPT2LMHeadModel } from '@multihead/gpt';
import { type CausalModel, Random, Weights } from '@multihead/nn';
import { fixturePath, numTensors, onEachBackend } from '../test/support.js';
import { evaluateCausalLM } from './evaluate-causal-lm.js';

const random = new Random(3);
const text = (length: number) => Array.from({ length }, () => random.below(25));

/** −log p of each token but the first, given at most `context` tokens before it, one pass a token. */
function nats(model: GPT2LMHeadModel, ids: number[], contextOf: (i: number) => number): number[] {
  return ids.slice(1).map((id, at) => {
    const i = at + 1;
    using outputs = model.forward({ inputIds: ids.slice(i - contextOf(i), i) });
    const all = outputs.logits.dataSync();
    const row = Array.from(all.slice(-model.vocabSize));
    const max = Math.max(...row);
    return max + Math.log(row.reduce((sum, v) => sum + Math.exp(v - max), 0)) - row[id]!;
  });
}
const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;

onEachBackend(() => {
  let model: GPT2LMHeadModel;
  beforeAll(async () => {
    model = await GPT2LMHeadModel.fromPretrained(fixturePath('causal-lm'));
  });

  test('a text within the window is scored as one pass scores it', async () => {
    const ids = text(12);
    using outputs = model.forward({ inputIds: ids, labels: ids });
    const { loss, perplexity, tokens } = await evaluateCausalLM({ model, documents: [ids] });
    expect(loss).toBeCloseTo(outputs.loss!.dataSync()[0]!, 5);
    expect(perplexity).toBeCloseTo(Math.exp(loss), 10);
    expect(tokens).toBe(11);
  });

  test.each([1, 3, 5, 7])('a longer text, each token once, by a stride of %d', async (stride) => {
    const documents = [text(29), text(5), text(8)];
    const [windowLength, before] = [8, numTensors()];
    // In the window that is the first to reach a token, what stands before it there.
    const contextOf = (i: number) => {
      const moves = Math.max(Math.ceil((i + 1 - windowLength) / stride), 0);
      return i - moves * stride;
    };
    const expected = documents.flatMap((ids) => nats(model, ids, contextOf));
    for (const batchSize of [1, 3, 100]) {
      const bytes = 90;
      const options = { model, documents, windowLength, stride, batchSize, bytes };
      const { loss, tokens, bitsPerByte } = await evaluateCausalLM(options);
      expect(tokens).toBe(28 + 4 + 7);
      expect(loss).toBeCloseTo(mean(expected), 5);
      expect(bitsPerByte).toBeCloseTo((mean(expected) * tokens) / Math.LN2 / bytes, 5);
    }
    expect(numTensors()).toBe(before);
  });
});

describe('without a limit to the context', () => {
  test('a text goes by one state from start to end', async () => {
    const sizes = { vocabSize: 25, nPositions: 40, nEmbd: 8, nLayer: 1, nHead: 2 };
    const model = new GPT2LMHeadModel(new GPT2Config(sizes), new Weights({ seed: 1 }));
    const unlimited = Object.create(model, {
      contextLength: { value: undefined },
      step: { value: model.step.bind(model) },
      createState: { value: model.createState.bind(model) },
      vocabSize: { value: model.vocabSize },
    }) as CausalModel;
    const documents = [text(31), text(1), text(9)];
    const { loss, tokens } = await evaluateCausalLM({
      model: unlimited,
      documents,
      windowLength: 8,
    });
    expect(tokens).toBe(38);
    expect(loss).toBeCloseTo(mean(documents.flatMap((ids) => nats(model, ids, (i) => i))), 5);
    model.dispose();
  });
});

describe('what cannot be scored', () => {
  const evaluate = async (options: object) => {
    const model = await GPT2LMHeadModel.fromPretrained(fixturePath('causal-lm'));
    const before = numTensors();
    try {
      return await evaluateCausalLM({ model, documents: [text(20)], ...options });
    } finally {
      expect(numTensors()).toBe(before);
      model.dispose();
    }
  };
  test.each([
    [{ documents: [[1], []] }, 'BAD_BATCH'],
    [{ stride: 12 }, 'BAD_OPTION'],
    [{ windowLength: 1 }, 'BAD_OPTION'],
    [{ windowLength: 13 }, 'CONTEXT_EXCEEDED'],
    [{ documents: [[1, 25]] }, 'ID_OUT_OF_RANGE'],
    [{ documents: [[1, Number.NaN]] }, 'BAD_OPTION'],
    [{ signal: AbortSignal.abort() }, 'ABORTED'],
  ])('%j', async (options, code) => {
    await expect(evaluate(options)).rejects.toMatchObject({ code });
  });

  test('an abort in the middle', async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const onProgress = ({ tokens }: { tokens: number }) => {
      seen.push(tokens);
      if (seen.length === 2) controller.abort();
    };
    const options = { windowLength: 4, batchSize: 1, onProgress, signal: controller.signal };
    await expect(evaluate(options)).rejects.toMatchObject({ code: 'ABORTED' });
    expect(seen).toEqual([3, 5]);
  });
});
