import type { Tokenizer } from '@multihead/tokenizers';
import { TokenizerPool } from '@multihead/tokenizers/pool';
import { encodeGroup, locate } from './encode-group.js';
import { printLines } from './output.js';
import { groupsToEncode, type Input, toBatchInput } from './tokenize-input.js';
import type { BatchOptions, TokenizeOptions } from './tokenize-options.js';

/** Ids of one text, or of a part of it. */
type Row = number[] | Int32Array;

/** Prints the ids of each text on a line, with spaces between or as a JSON array. */
export async function printIds(
  tokenizer: Tokenizer,
  inputs: AsyncIterable<Input[]>,
  options: TokenizeOptions,
  encodeOptions: BatchOptions,
): Promise<void> {
  const { json } = options;
  for await (const { rows } of encodeIds(tokenizer, inputs, options, encodeOptions)) {
    const joined = rows.map((row) => row.join(json ? ',' : ' '));
    await printLines(json ? joined.map((ids) => `[${ids}]`) : joined);
  }
}

/** The ids of groups of texts in their order, on as many threads as are wanted. */
export async function* encodeIds(
  tokenizer: Tokenizer,
  inputs: AsyncIterable<Input[]>,
  options: TokenizeOptions,
  encodeOptions: BatchOptions,
): AsyncGenerator<{ group: Input[]; rows: Row[] }> {
  const { threads, words = false } = options;
  const { addSpecialTokens = true, truncation, padding } = encodeOptions;
  const hasPair = options.pair !== undefined || options.pairFile !== undefined;
  const isPlain = !truncation && !padding && !words && !hasPair;
  const groups = groupsToEncode(inputs, options);

  if (threads === undefined) {
    for await (const group of groups) {
      yield { group, rows: isPlain ? plainly(group) : rowsOf(group) };
    }
    return;
  }
  // Threads take as long to start as ten megabytes take to encode: until then this one works.
  let pool: TokenizerPool | undefined;
  let failure: unknown;
  const starting = TokenizerPool.create(tokenizer, { threads }).then(
    (started) => {
      pool = started;
    },
    (error) => {
      failure = error;
    },
  );
  await Promise.race([starting, nextTurn()]); // what is wrong with the options is known at once
  const { returnOverflowing: _, stride: __, ...poolOptions } = encodeOptions;
  try {
    // Threads work on the next groups while this one is printed.
    yield* inOrder(groups, 2 * threads, async (group) => {
      if (failure) throw failure;
      if (pool === undefined) {
        await nextTurn(); // lets the threads say that they are there
        return { group, rows: isPlain ? plainly(group) : rowsOf(group) };
      }
      try {
        if (isPlain) {
          const texts = group.map(({ text }) => text);
          return { group, rows: await pool.encodeIds(texts, { addSpecialTokens }) };
        }
        const batch = group.map((input) => toBatchInput(input, words));
        return { group, rows: (await pool.encodeBatch(batch, poolOptions)).inputIds };
      } catch (error) {
        throw locate(error, group, (input) => rowsOf([input]));
      }
    });
  } finally {
    await starting;
    await pool?.dispose();
  }

  function plainly(group: readonly Input[]): Row[] {
    try {
      return group.map(({ text }) => tokenizer.encodeIds(text, { addSpecialTokens }));
    } catch (error) {
      throw locate(error, group, ({ text }) => tokenizer.encodeIds(text));
    }
  }

  /** The ids of each text, and of what was cut off it if that is wanted. */
  function rowsOf(group: readonly Input[]): Row[] {
    const { encodings } = encodeGroup(tokenizer, group, encodeOptions, words);
    return encodings.flatMap(({ ids, overflowing }) => [
      ids,
      ...overflowing.map((part) => part.ids),
    ]);
  }
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Works on so many items at once, and gives the results in the order of the items. */
async function* inOrder<T, R>(
  items: AsyncIterable<T>,
  atOnce: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const running: Promise<R>[] = [];
  for await (const item of items) {
    const result = work(item);
    result.catch(() => {}); // It is thrown when its turn comes.
    running.push(result);
    if (running.length >= atOnce) yield await running.shift()!;
  }
  while (running.length > 0) yield await running.shift()!;
}
