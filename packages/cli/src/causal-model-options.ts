import type { Command } from 'commander';
import { option, whole } from './options.js';

/** What a Transformer-XL remembers, in place of what its configuration says. */
export interface RecurrenceOptions {
  /** In tokens; 0: nothing. */
  memoryLength?: number;
  /** Distances beyond this count as this; 0: none is too far. */
  clampLength?: number;
  /** Every token sees `memoryLength` tokens, wherever in its segment it stands. */
  sameLength?: boolean;
}

/** Which model that foretells text, and how it is held. */
export interface CausalModelOptions extends RecurrenceOptions {
  model: string;
  tokenizer?: string;
  dtype: 'float32' | 'q8';
}

export function addCausalModelOptions(command: Command): Command {
  return command
    .requiredOption(
      '-m, --model <source>',
      'a folder of a GPT-2, GPT-1 or Transformer-XL, its address, or a hub id',
    )
    .option('-t, --tokenizer <source>', 'its tokenizer, where the model has none beside it')
    .addOption(
      option('--dtype <type>', 'how the weights are held; q8: in int8', String, 'float32').choices([
        ...['float32', 'q8'],
      ]),
    )
    .optionsGroup('What a Transformer-XL remembers (default: what its configuration says):')
    .addOption(option('--memory-length <tokens>', 'so many tokens; 0: none', whole({ from: 0 })))
    .addOption(
      option('--clamp-length <tokens>', 'farther counts as this far; 0: never', whole({ from: 0 })),
    )
    .option('--same-length', 'every token sees as many as are remembered')
    .option('--no-same-length', 'a token sees all of the memory, and its segment up to itself')
    .optionsGroup('Options:');
}
