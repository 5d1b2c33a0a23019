import type { GenerateOptions } from '@multihead/generation';
import type { Tokenizer } from '@multihead/tokenizers';
import { type Command, InvalidArgumentError, type Option } from 'commander';
import type { CausalModelOptions } from './causal-model-options.js';
import { type CommonOptions, given, option, real, whole } from './options.js';

/** The options that go to `generate` as they are. */
const NAMES = [
  ...['maxNewTokens', 'minNewTokens', 'stopStrings', 'onContextFull'],
  ...['doSample', 'temperature', 'topK', 'topP', 'minP', 'typicalP', 'topH'],
  ...['epsilonCutoff', 'etaCutoff', 'seed', 'repetitionPenalty', 'noRepeatNgramSize'],
  ...['numBeams', 'lengthPenalty', 'earlyStopping', 'numBeamGroups', 'diversityPenalty'],
  ...['penaltyAlpha', 'numReturnSequences', 'forcedBosTokenId', 'forcedEosTokenId'],
  ...['suppressTokens', 'beginSuppressTokens', 'badWordsIds', 'sequenceBias'],
] as (keyof GenerateOptions)[];

export interface GenerateCommandOptions
  extends CausalModelOptions,
    CommonOptions,
    Omit<GenerateOptions, 'tokenizer' | 'badWordsIds' | 'sequenceBias'> {
  /** Print the prompt before what goes on from it. */
  prompt: boolean;
  /** Prompts to go on with at once. */
  batchSize: number;
  badWords?: string[];
  sequenceBias?: [text: string, bias: number][];
}

/** Those of the options that say how to generate; words as the tokenizer has them. */
export function generationOptions(
  options: GenerateCommandOptions,
  tokenizer: Tokenizer,
): GenerateOptions {
  const { badWords, sequenceBias: biases, ...rest } = options;
  const all = rest as unknown as Record<string, unknown>;
  const badWordsIds = badWords?.flatMap((word) => spellings(word, tokenizer));
  const sequenceBias = biases?.flatMap(([text, bias]) =>
    spellings(text, tokenizer).map((ids) => [ids, bias] as const),
  );
  return given({
    ...Object.fromEntries(NAMES.map((name) => [name, all[name]])),
    badWordsIds,
    sequenceBias,
  });
}

/** A text's ids at the start of a line and after a space, which byte-level vocabularies tell apart. */
function spellings(text: string, tokenizer: Tokenizer): number[][] {
  const both = [text, ` ${text}`].map((one) => [
    ...tokenizer.encodeIds(one, { addSpecialTokens: false }),
  ]);
  return both[0]!.join() === both[1]!.join() ? both.slice(1) : both;
}

/** Hugging Face's options, by the names they have there. */
export function addGenerationOptions(command: Command): Command {
  const share = real({ from: 0, to: 1 });
  const positive = real({ from: 0, above: true });
  command
    .optionsGroup('How long a text gets:')
    .addOption(option('--max-new-tokens <count>', 'at most (default: 20)', whole({ from: 1 })))
    .addOption(option('--min-new-tokens <count>', 'no end before', whole({ from: 0 })))
    .option('--stop-strings <texts...>', 'a text ends with the first of these')
    .addOption(
      option(
        '--on-context-full <what>',
        'stop, forget the older half (slide), or fail (default: stop)',
        String,
      ).choices(['stop', 'slide', 'error']),
    );
  command
    .optionsGroup('Drawing tokens by their probabilities (default: the most probable one):')
    .option('--do-sample', 'draw')
    .option('--no-do-sample', 'do not, whatever generation_config.json says')
    .addOption(option('--temperature <value>', 'below 1: surer, above: bolder', positive))
    .addOption(
      option('--top-k <count>', 'of the likeliest (default: 50; 0: all)', whole({ from: 0 })),
    )
    .addOption(option('--top-p <share>', 'of the likeliest that make up this share', share))
    .addOption(option('--min-p <share>', 'of those this likely beside the likeliest', share))
    .addOption(option('--typical-p <share>', 'of the most typical that make it up', positive))
    .addOption(option('--top-h <share>', 'of those within this share of the entropy', positive))
    .addOption(option('--epsilon-cutoff <probability>', 'of those above it', share))
    .addOption(option('--eta-cutoff <probability>', 'the same, lower where much is open', share))
    .addOption(option('--seed <number>', 'the same seed, the same text', whole({ from: 0 })));
  command
    .optionsGroup('Searching:')
    .addOption(option('--num-beams <count>', 'texts to keep in view', whole({ from: 1 })))
    .addOption(option('--length-penalty <power>', 'above 0 for longer texts', finite))
    .addOption(option('--early-stopping <when>', 'true, false or never (default: false)', stopping))
    .addOption(option('--num-beam-groups <count>', 'groups that keep apart', whole({ from: 1 })))
    .addOption(option('--diversity-penalty <value>', 'by how much', real({ from: 0 })))
    .addOption(option('--penalty-alpha <share>', 'contrastive search among --top-k', share))
    .addOption(
      option('--num-return-sequences <count>', 'texts for each prompt', whole({ from: 1 })),
    );
  command
    .optionsGroup('Against repetition:')
    .addOption(option('--repetition-penalty <factor>', 'above 1: less of what was', positive))
    .addOption(
      positively(
        option('--no-repeat-ngram-size <tokens>', 'no so many come twice', whole({ from: 1 })),
      ),
    );
  const ids = (text: string, before?: unknown) => [
    ...(Array.isArray(before) ? before : []),
    whole({ from: 0 })(text),
  ];
  command
    .optionsGroup('Words to keep out, or to bring in:')
    .option('--bad-words <texts...>', 'these never come, at a start or after a space')
    .addOption(
      option('--sequence-bias <text=bias...>', 'added to the score that completes a text', biased),
    )
    .addOption(
      option('--forced-bos-token-id <id>', 'after a prompt of one token', whole({ from: 0 })),
    )
    .addOption(option('--forced-eos-token-id <ids...>', 'one of them ends the longest text', ids))
    .addOption(option('--suppress-tokens <ids...>', 'tokens that never come', ids))
    .addOption(option('--begin-suppress-tokens <ids...>', 'tokens that do not come first', ids));
  return command;
}

/** Reads `whale=-5`. */
function biased(text: string, before?: unknown): [string, number][] {
  const [, word, bias] = /^(.+)=([^=]+)$/s.exec(text) ?? [];
  if (word === undefined) throw new InvalidArgumentError('Give a text and a number: whale=-5.');
  return [...((before as [string, number][] | undefined) ?? []), [word, finite(bias!)]];
}

/** An option that has a value, though its name begins with "no". */
function positively(made: Option): Option {
  made.negate = false;
  return made;
}

const finite = real({ from: -Number.MAX_VALUE });

function stopping(text: string): boolean | 'never' {
  const value = { true: true, false: false, never: 'never' as const }[text];
  if (value !== undefined) return value;
  throw new InvalidArgumentError('Give true, false or never.');
}

/** A message of `generate` with the options as they are typed: `topK` → `--top-k`. */
export function asTyped(message: string, command: Command): string {
  const flags = new Map(command.options.map((o) => [o.attributeName(), o.long!]));
  flags.set('badWordsIds', '--bad-words');
  return NAMES.reduce((text, name) => {
    const typed = new RegExp(`\\b${name}\\b(?:: ('?)(\\w+)\\1)?`, 'g');
    return text.replace(typed, (_, _quote, value?: string) => {
      const flag = flags.get(name) === '--no-do-sample' ? '--do-sample' : flags.get(name)!;
      return value === undefined || value === 'true' ? flag : `${flag} ${value}`;
    });
  }, message);
}
