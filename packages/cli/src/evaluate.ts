import type { Command } from 'commander';
import { addCausalModelOptions } from './causal-model-options.js';
import type { EvaluateCommandOptions } from './evaluated-texts.js';
import { addCommonOptions, option, whole } from './options.js';

/** `multihead evaluate <files…> --model <source>` */
export function evaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .summary('measure how well a GPT or Transformer-XL foretells texts')
    .description(
      'Measures how well a GPT or Transformer-XL foretells texts of any length: perplexity, and bits ' +
        'per byte, which compares models of different vocabularies. Each token is scored once: by a GPT ' +
        'in a window that slides, by a Transformer-XL segment after segment with its memory. The first ' +
        'of a document is given. Files are UTF-8 text, each a document.',
    )
    .argument('<files...>', 'text files; - reads standard input');
  addCausalModelOptions(command)
    .option('--paragraphs', 'a blank line ends a document')
    .addOption(
      option(
        '--window <tokens>',
        'seen at once (default: all the context, or beside a memory 128)',
        whole({ from: 2 }),
      ),
    )
    .addOption(
      option('--stride <tokens>', 'how far it slides (default: half of it)', whole({ from: 1 })),
    )
    .addOption(option('--batch-size <windows>', 'windows at once', whole({ from: 1 })));
  addCommonOptions(command).action(async (files: string[], options: EvaluateCommandOptions) => {
    const { printEvaluation } = await import('./evaluated-texts.js');
    await printEvaluation(files, options);
  });
}
