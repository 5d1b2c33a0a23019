import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import pc from 'picocolors';
import { exitCodeOf, messageOf } from './errors.js';
import { evaluate } from './evaluate.js';
import { fillMask } from './fill-mask.js';
import { finetune } from './finetune.js';
import { generate } from './generate.js';
import { pretrain } from './pretrain.js';
import { tokenize } from './tokenize.js';
import { trainTokenizer } from './train-tokenizer.js';

/** Each adds its command, which loads what it needs when it runs; the order is that of `--help`. */
const commands = [
  ...[tokenize, trainTokenizer, pretrain, finetune],
  ...[fillMask, generate, evaluate],
];

/**
 * Runs `multihead` with these arguments and gives the exit code: 0, 1 for an error, 2 for wrong usage,
 * 130 after Ctrl-C. Results go to stdout, all else to stderr.
 */
export async function run(args: readonly string[]): Promise<number> {
  const program = createProgram();
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    // commander has printed what it has to say: a help text, or what is wrong with the arguments.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    process.stderr.write(`${pc.red('error:')} ${messageOf(error)}\n`);
    if (program.opts().debug || process.env.DEBUG) console.error(error);
    return exitCodeOf(error);
  }
}

function createProgram(): Command {
  const { version } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  ) as { version: string };
  const program = new Command('multihead')
    .description('BERT, GPT and Transformer-XL: tokenize, train, use.')
    .version(version)
    .option('--debug', 'show where an error came from')
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError()
    .exitOverride();
  for (const add of commands) add(program);
  return program;
}
