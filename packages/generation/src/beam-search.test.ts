import { expect, test } from '@jest/globals';
import { ToyModel } from '../test/toy-model.js';
import { generate } from './generate.js';

/** Every text of `length` tokens, or that ends before with `eos`, with its log-probability; best first. */
function allTexts(model: ToyModel, prompt: number[], length: number, eos: number, penalty = 1) {
  const open: { ids: number[]; sum: number }[] = [{ ids: prompt, sum: 0 }];
  const ended: { ids: number[]; score: number }[] = [];
  for (let text = open.pop(); text !== undefined; text = open.pop()) {
    const row = model.logits(text.ids);
    const total = Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
    for (const [token, logit] of row.entries()) {
      const ids = [...text.ids, token];
      const sum = text.sum + logit - total;
      const count = ids.length - prompt.length;
      if (token === eos || count === length) ended.push({ ids, score: sum / count ** penalty });
      else open.push({ ids, sum });
    }
  }
  return ended.sort((a, b) => b.score - a.score);
}

test('with as many beams as there are texts, it finds the best of all', async () => {
  for (let seed = 0; seed < 12; seed++) {
    const model = new ToyModel({ vocabSize: 4, seed });
    const penalty = [0, 0.6, 1, 2][seed % 4]!;
    const { sequences, sequencesScores } = await generate(
      model,
      { inputIds: [[1, 2]] },
      {
        maxNewTokens: 4,
        numBeams: 64,
        numReturnSequences: 5,
        eosTokenId: 3,
        lengthPenalty: penalty,
        earlyStopping: 'never',
      },
    );
    const best = allTexts(model, [1, 2], 4, 3, penalty).slice(0, 5);
    expect(sequences).toEqual(best.map(({ ids }) => ids));
    best.forEach(({ score }, i) => void expect(sequencesScores![i]).toBeCloseTo(score, 5));
  }
});

test('the log-probabilities of its tokens add up to its score', async () => {
  const model = new ToyModel({ vocabSize: 9, seed: 5 });
  const output = await generate(
    model,
    {
      inputIds: [
        [1, 2],
        [3, 4],
      ],
    },
    {
      maxNewTokens: 8,
      numBeams: 4,
      numReturnSequences: 3,
      eosTokenId: [2, 7],
      lengthPenalty: 0.5,
      outputLogProbabilities: true,
      outputScores: true,
      outputLogits: true,
    },
  );
  output.generated.forEach((text, i) => {
    const sum = output.logProbabilities![i]!.reduce((all, x) => all + x, 0);
    expect(sum / text.length ** 0.5).toBeCloseTo(output.sequencesScores![i]!, 5);
    text.forEach((token, k) => {
      expect(output.scores![i]![k]![token]).toBeCloseTo(output.logProbabilities![i]![k]!, 5);
      const seen = output.sequences[i]!.slice(0, 2 + k);
      expect(Array.from(output.logits![i]![k]!)).toEqual(model.logits(seen));
    });
  });
});

test('prompts of a batch keep to themselves, also when some have ended', async () => {
  const model = new ToyModel({ seed: 8 });
  const prompts = [[1, 2, 3], [4], [5, 6]];
  const options = {
    maxNewTokens: 10,
    numBeams: 3,
    eosTokenId: 2,
    numReturnSequences: 2,
    padTokenId: 0,
  };
  const together = await generate(model, { inputIds: prompts }, options);
  for (const [i, prompt] of prompts.entries()) {
    const alone = await generate(model, { inputIds: prompt }, options);
    expect(together.generated.slice(2 * i, 2 * i + 2)).toEqual(alone.generated);
  }
});

test('beams that are drawn follow their seed, and differ from chosen ones', async () => {
  const model = new ToyModel({ seed: 8 });
  const options = { maxNewTokens: 10, numBeams: 3, numReturnSequences: 3 };
  const draw = async (seed: number) =>
    (await generate(model, { inputIds: [1] }, { ...options, doSample: true, topK: 4, seed }))
      .generated;
  expect(await draw(1)).toEqual(await draw(1));
  expect(await draw(1)).not.toEqual(await draw(2));
  expect(await draw(1)).not.toEqual((await generate(model, { inputIds: [1] }, options)).generated);
});

test('groups of beams say different things', async () => {
  const model = new ToyModel({ seed: 1 });
  const options = { maxNewTokens: 6, numBeams: 4, numReturnSequences: 4 };
  const groups = { numBeamGroups: 4, diversityPenalty: 100 };
  const { generated } = await generate(model, { inputIds: [1] }, { ...options, ...groups });
  for (let i = 0; i < 6; i++) expect(new Set(generated.map((text) => text[i])).size).toBe(4);
});
