import type { Command } from 'commander';
import { option } from './options.js';

/** Which model that foretells text, and how it is held. */
export interface CausalModelOptions {
  model: string;
  tokenizer?: string;
  dtype: 'float32' | 'q8';
}

export function addCausalModelOptions(command: Command): Command {
  return command
    .requiredOption(
      '-m, --model <source>',
      'a folder of a GPT-2 or GPT-1, its address, or a hub id',
    )
    .option('-t, --tokenizer <source>', 'its tokenizer, where the model has none beside it')
    .addOption(
      option('--dtype <type>', 'how the weights are held; q8: in int8', String, 'float32').choices([
        ...['float32', 'q8'],
      ]),
    );
}
