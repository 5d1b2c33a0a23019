import type { Command } from 'commander';
import type { FillMaskOptions } from './filled-masks.js';
import { option, whole } from './options.js';

/** `multihead fill-mask "The [MASK] of the United States" --model <folder>` */
export function fillMask(program: Command): void {
  program
    .command('fill-mask')
    .summary('say which words fit the [MASK]s of a text')
    .description(
      'Says which words fit at each [MASK] of a text, and how probable a BERT finds them.',
    )
    .argument(
      '<text...>',
      'texts with [MASK] in them; - reads them from standard input, one a line',
    )
    .requiredOption('-m, --model <source>', 'a model folder, its address, or a hub id')
    .addOption(option('-k, --top-k <count>', 'how many words to show', whole({ from: 1 }), 5))
    .option('--json', 'print one JSON object a text, each on a line')
    .action(async (texts: string[], options: FillMaskOptions) => {
      const { printFilledMasks } = await import('./filled-masks.js');
      await printFilledMasks(texts, options);
    });
}
