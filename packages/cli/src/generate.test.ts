import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type GenerateOptions, generate } from '@multihead/generation';
import { GPT2Config, GPT2LMHeadModel, OpenAIGPTConfig, OpenAIGPTLMHeadModel } from '@multihead/gpt';
import { Weights } from '@multihead/nn';
import { loadTokenizer, type Tokenizer, tokenizerFiles } from '@multihead/tokenizers';
import { useWasm } from '@multihead/wasm';
import { type Folder, folderWithTokenizer, jsonLines } from '../test/multihead.js';

let folder: Folder;
let tokenizer: Tokenizer;
let model: GPT2LMHeadModel;

const size = { nPositions: 24, nEmbd: 32, nLayer: 1, nHead: 2, initializerRange: 0.4 };
const prompt = 'The captain';

/** What the package itself gives, as the command should print it. */
async function expected(options: GenerateOptions): Promise<string[]> {
  const { generated } = await generate(model, tokenizer.encode(prompt), options);
  return generated.map((ids) => tokenizer.decode(ids, { skipSpecialTokens: true }));
}

beforeAll(async () => {
  folder = await folderWithTokenizer();
  for (const type of ['bpe', 'classic-bpe']) {
    const args = ['train-tokenizer', 'text.txt', '-o', type, '--type', type];
    await folder.ok([...args, '--vocab-size', '300', '-q']);
  }
  await useWasm();
  tokenizer = await loadTokenizer(join(folder.path, 'bpe'));
  const { vocabSize, eosTokenId } = tokenizer;
  const end = { bosTokenId: eosTokenId!, eosTokenId: eosTokenId! };
  model = new GPT2LMHeadModel(
    new GPT2Config({ ...size, ...end, vocabSize }),
    new Weights({ seed: 3 }),
  );
  await model.save(join(folder.path, 'gpt2'), { files: tokenizerFiles(tokenizer) });

  const classic = await loadTokenizer(join(folder.path, 'classic-bpe'));
  const config = new OpenAIGPTConfig({ ...size, vocabSize: classic.vocabSize });
  using first = new OpenAIGPTLMHeadModel(config, new Weights({ seed: 4 }));
  await first.save(join(folder.path, 'gpt1'), { files: tokenizerFiles(classic) });
}, 60_000);
afterAll(() => {
  model?.dispose();
  folder.remove();
});

const run = (...more: string[]) => ['generate', prompt, '-m', 'gpt2', '-q', ...more];

describe('generate', () => {
  test.each<[string, string[], GenerateOptions]>([
    ['the most probable tokens', ['--max-new-tokens', '6'], { maxNewTokens: 6 }],
    [
      'drawn tokens',
      ['--do-sample', '--seed', '5', '--temperature', '0.8', '--top-k', '40', '--top-p', '0.9'],
      { doSample: true, seed: 5, temperature: 0.8, topK: 40, topP: 0.9 },
    ],
    [
      'other ways to draw',
      ['--do-sample', '--seed', '6', '--min-p', '0.01', '--typical-p', '0.9'],
      { doSample: true, seed: 6, minP: 0.01, typicalP: 0.9 },
    ],
    [
      'no repetition',
      ['--repetition-penalty', '1.3', '--no-repeat-ngram-size', '2', '--min-new-tokens', '20'],
      { repetitionPenalty: 1.3, noRepeatNgramSize: 2, minNewTokens: 20 },
    ],
    [
      'several beams',
      ['--num-beams', '4', '--num-return-sequences', '3', '--length-penalty', '-0.5'],
      { numBeams: 4, numReturnSequences: 3, lengthPenalty: -0.5 },
    ],
    [
      'several drawn texts',
      ['--do-sample', '--seed', '7', '--num-return-sequences', '3'],
      { doSample: true, seed: 7, numReturnSequences: 3 },
    ],
    [
      'a text that slides',
      ['--max-new-tokens', '40', '--on-context-full', 'slide'],
      { maxNewTokens: 40, onContextFull: 'slide' },
    ],
    [
      'no token that is kept out',
      ['--suppress-tokens', '7', '8', '--begin-suppress-tokens', '9', '--max-new-tokens', '6'],
      { suppressTokens: [7, 8], beginSuppressTokens: [9], maxNewTokens: 6 },
    ],
    [
      'the end that is asked for',
      ['--forced-eos-token-id', '11', '--max-new-tokens', '3'],
      { forcedEosTokenId: [11], maxNewTokens: 3 },
    ],
  ])('prints %s', async (_, args, options) => {
    const texts = await expected(options);
    const shown = texts.map((text) => `${prompt}${text}`).join('\n\n');
    expect(await folder.ok(run(...args))).toBe(`${shown}\n`);
  });

  test('has tokens, probabilities and scores as JSON', async () => {
    const options = { numBeams: 3, numReturnSequences: 2, maxNewTokens: 5 };
    const args = ['--num-beams', '3', '--num-return-sequences', '2', '--max-new-tokens', '5'];
    const output = await generate(model, tokenizer.encode(prompt), {
      ...options,
      outputLogProbabilities: true,
    });
    const [{ texts, ...rest }] = jsonLines(await folder.ok(run(...args, '--json')));
    expect(rest).toEqual({ prompt });
    expect(texts.map(({ text }: { text: string }) => text)).toEqual(await expected(options));
    for (const [i, { score, finishReason, tokens }] of texts.entries()) {
      expect(score).toBeCloseTo(output.sequencesScores![i]!, 4);
      expect(finishReason).toBe(output.finishReasons[i]);
      expect(tokens.map(({ id }: { id: number }) => id)).toEqual(output.generated[i]);
      for (const [k, { id, token, probability }] of tokens.entries()) {
        expect(token).toBe(tokenizer.idToToken(id));
        expect(probability).toBeCloseTo(Math.exp(output.logProbabilities![i]![k]!), 4);
      }
    }
  });

  test('ends with a stop string, and says why', async () => {
    const [text] = await expected({ maxNewTokens: 8 });
    const stop = text!.slice(3, 5);
    const stopped = await expected({ maxNewTokens: 8, stopStrings: stop, tokenizer });
    const args = run('--max-new-tokens', '8', '--json', '--stop-strings', stop);
    const [{ texts }] = jsonLines(await folder.ok(args));
    expect(texts[0]).toMatchObject({ text: stopped[0], finishReason: 'stopString' });
    expect(texts[0].text.length).toBeLessThan(text!.length);
  });

  test('tells the seed it drew with, which draws the same again', async () => {
    const args = ['generate', prompt, '-m', 'gpt2', '--do-sample', '--no-prompt'];
    const { code, stdout, stderr } = await folder.run(args);
    const [, seed] = /20 tokens in .*, seed (\d+)\n$/.exec(stderr) ?? [];
    expect({ code, seed }).toEqual({ code: 0, seed: expect.any(String) });
    expect(await folder.ok([...args, '--seed', seed!])).toBe(stdout);
    expect(stdout).not.toContain(prompt);
  });

  test('reads prompts from standard input, a line each', async () => {
    const [text] = await expected({});
    const args = ['generate', '-m', 'gpt2', '-q'];
    const out = await folder.ok(args, { input: `${prompt}\n\n${prompt}\n` });
    expect(out).toBe(`${prompt}${text}\n\n${prompt}${text}\n`);
    expect(await folder.fails(args, 1, { input: '\n' })).toContain('no prompt in standard input');
  });

  test('keeps words out and brings them in, at a start and after a space', async () => {
    const shown = async (...args: string[]) => {
      const [{ texts }] = jsonLines(await folder.ok(run('--json', '--no-prompt', ...args)));
      return texts[0].tokens.map(({ id }: { id: number }) => id) as number[];
    };
    const both = (word: string) => [word, ` ${word}`].map((text) => [...tokenizer.encodeIds(text)]);
    const usual = await shown();
    // A word of one token that comes of itself: it is gone, the rest is what the package makes of it.
    const word = tokenizer.decode([usual[0]!]).trim();
    const badWordsIds = both(word);
    const kept = await shown('--bad-words', word);
    expect(badWordsIds).toContainEqual([usual[0]]);
    expect(kept).not.toContain(usual[0]);
    expect(kept).toEqual(
      (await generate(model, tokenizer.encode(prompt), { badWordsIds })).generated[0],
    );

    const wanted = await shown('--sequence-bias', 'whale=30', 'e=-2.5', '--max-new-tokens', '5');
    const sequenceBias = [
      ...both('whale').map((ids) => [ids, 30] as const),
      ...both('e').map((ids) => [ids, -2.5] as const),
    ];
    const options = { sequenceBias, maxNewTokens: 5 };
    const { generated } = await generate(model, tokenizer.encode(prompt), options);
    expect(wanted).toEqual(generated[0]);
    expect(wanted).not.toEqual(usual.slice(0, 5));
    expect(await folder.fails(run('--sequence-bias', 'whale'), 2)).toContain('whale=-5');
  });

  test('goes on with several prompts at once as with each by itself', async () => {
    const prompts = [prompt, 'The whale sees', 'A'];
    const args = ['generate', ...prompts, '-m', 'gpt2', '-q', '--num-return-sequences', '2'];
    const beams = ['--num-beams', '2', '--max-new-tokens', '8'];
    const single = await folder.ok([...args, ...beams]);
    for (const size of ['2', '3', '9']) {
      expect(await folder.ok([...args, ...beams, '--batch-size', size])).toBe(single);
    }
    const lines = jsonLines(await folder.ok([...args, ...beams, '--json', '--batch-size', '3']));
    expect(lines.map((line) => [line.prompt, line.texts.length])).toEqual(
      prompts.map((text) => [text, 2]),
    );
    // Streamed, each text in its turn.
    const streamed = ['generate', ...prompts, '-m', 'gpt2', '-q', '--batch-size', '3'];
    expect(await folder.ok(streamed)).toBe(await folder.ok(streamed.slice(0, -2)));
  });

  test('begins from nothing where the model has a token for it', async () => {
    const args = (source: string) => ['generate', '', '-m', source, '--json', '-q'];
    const { generated } = await generate(model, { inputIds: [[tokenizer.eosTokenId!]] });
    const [{ texts }] = jsonLines(await folder.ok(args('gpt2')));
    expect(texts[0].tokens.map(({ id }: { id: number }) => id)).toEqual(generated[0]);
    expect(await folder.fails(args('gpt1'))).toContain('give a prompt that is not empty');
  });

  test('takes GPT-1, whose words are parted by spaces', async () => {
    const args = ['generate', 'the captain', '-m', 'gpt1', '-q', '--no-prompt', '--json'];
    const [{ texts }] = jsonLines(await folder.ok([...args, '--max-new-tokens', '4']));
    const classic = await loadTokenizer(join(folder.path, 'gpt1'));
    const ids = texts[0].tokens.map(({ id }: { id: number }) => id);
    const whole = classic.decode([...classic.encodeIds('the captain'), ...ids]);
    expect(`the captain${texts[0].text}`).toBe(whole);
  });

  test('--dtype q8 gives what the package does with it', async () => {
    const source = join(folder.path, 'gpt2');
    using rounded = await GPT2LMHeadModel.fromPretrained(source, { dtype: 'q8' });
    const { generated } = await generate(rounded, tokenizer.encode(prompt));
    const [{ texts }] = jsonLines(await folder.ok(run('--dtype', 'q8', '--json')));
    expect(texts[0].tokens.map(({ id }: { id: number }) => id)).toEqual(generated[0]);
  });

  test('takes its defaults from generation_config.json', async () => {
    await model.save(join(folder.path, 'draws'), { files: tokenizerFiles(tokenizer) });
    const config = { do_sample: true, temperature: 0.7, max_new_tokens: 4 };
    folder.write('draws/generation_config.json', JSON.stringify(config));
    const args = ['generate', prompt, '-m', 'draws', '-q', '--no-prompt'];
    const drawn = { doSample: true, temperature: 0.7, maxNewTokens: 4, seed: 1 };
    expect(await folder.ok([...args, '--seed', '1'])).toBe(`${(await expected(drawn))[0]}\n`);
    const [likeliest] = await expected({ maxNewTokens: 4 });
    expect(await folder.ok([...args, '--no-do-sample'])).toBe(`${likeliest}\n`);
  });

  test('Ctrl-C ends it with the text so far', async () => {
    let interrupted = false;
    const args = run('--max-new-tokens', '1000000', '--on-context-full', 'slide');
    const { code, stdout, stderr } = await folder.run(args, {
      onStdout: (text, child) => {
        if (interrupted || text.length < prompt.length + 20) return;
        interrupted = true;
        child.kill('SIGINT');
      },
    });
    expect(code).toBe(130);
    expect(stderr).toMatch(/Stopped after \d+ tokens\.\n$/);
    const [text] = await expected({ maxNewTokens: 10, onContextFull: 'slide' });
    expect(stdout.startsWith(`${prompt}${text}`)).toBe(true);
    expect(stdout.endsWith('\n')).toBe(true);
  });

  test.each([
    [['--temperature', '0.5'], '--temperature has no effect without --do-sample'],
    [['--num-return-sequences', '2'], 'Without --do-sample or beams'],
    [['--min-new-tokens', '30'], 'tokens at least and'],
  ])('refuses %j', async (args, says) => {
    expect(await folder.fails(run(...args), 2)).toContain(says);
  });

  test('refuses a prompt that is too long, and a model of another kind', async () => {
    const long = ['generate', 'x'.repeat(100), '-m', 'gpt2', '-q'];
    expect(await folder.fails(long)).toContain('--on-context-full slide');
    folder.write('other/config.json', '{"model_type": "bert"}');
    const other = ['generate', prompt, '-m', 'other'];
    expect(await folder.fails(other)).toContain('model_type "bert"; this command takes gpt2 or');
  });
});
