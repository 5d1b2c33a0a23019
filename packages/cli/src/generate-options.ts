import type { GenerateOptions } from '@multihead/generation';
import { type Command, InvalidArgumentError, type Option } from 'commander';
import type { CausalModelOptions } from './causal-model-options.js';
import { type CommonOptions, given, option, real, whole } from './options.js';

/** The options that go to `generate` as they are. */
const NAMES = [
  ...['maxNewTokens', 'minNewTokens', 'stopStrings', 'onContextFull'],
  ...['doSample', 'temperature', 'topK', 'topP', 'minP', 'typicalP', 'topH'],
  ...['epsilonCutoff', 'etaCutoff', 'seed', 'repetitionPenalty', 'noRepeatNgramSize'],
  ...['numBeams', 'lengthPenalty', 'earlyStopping', 'numBeamGroups', 'diversityPenalty'],
  ...['penaltyAlpha', 'numReturnSequences'],
] as (keyof GenerateOptions)[];

export interface GenerateCommandOptions
  extends CausalModelOptions,
    CommonOptions,
    Omit<GenerateOptions, 'tokenizer'> {
  /** Print the prompt before what goes on from it. */
  prompt: boolean;
}

/** Those of the options that say how to generate. */
export function generationOptions(options: GenerateCommandOptions): GenerateOptions {
  const all = options as unknown as Record<string, unknown>;
  return given(Object.fromEntries(NAMES.map((name) => [name, all[name]])));
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
  return command;
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
  return NAMES.reduce((text, name) => {
    const typed = new RegExp(`\\b${name}\\b(?:: ('?)(\\w+)\\1)?`, 'g');
    return text.replace(typed, (_, _quote, value?: string) => {
      const flag = flags.get(name) === '--no-do-sample' ? '--do-sample' : flags.get(name)!;
      return value === undefined || value === 'true' ? flag : `${flag} ${value}`;
    });
  }, message);
}
