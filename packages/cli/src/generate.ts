import type { Command } from 'commander';
import { addCausalModelOptions } from './causal-model-options.js';
import { addGenerationOptions, type GenerateCommandOptions } from './generate-options.js';
import { addCommonOptions, option, whole } from './options.js';

/** `multihead generate "Call me" --model <source>` */
export function generate(program: Command): void {
  const command = program
    .command('generate')
    .summary('go on with a text')
    .description(
      'Goes on with each prompt, and prints the text as it comes. Options are those of Hugging ' +
        "Face's generate(); defaults are those of the model's generation_config.json, if it has one.",
    )
    .argument(
      '[prompts...]',
      'texts to go on with, "" for none; - stands for the lines of standard input, which are also ' +
        'read if nothing is given',
    )
    .option('--no-prompt', 'print only what is new')
    .addOption(option('--batch-size <prompts>', 'prompts at once', whole({ from: 1 }), 1));
  addCausalModelOptions(command);
  addCommonOptions(command);
  addGenerationOptions(command);
  command
    .optionsGroup('Options:')
    .action(async (prompts: string[], options: GenerateCommandOptions) => {
      const { printGeneratedTexts } = await import('./generated-texts.js');
      await printGeneratedTexts(prompts, options, command);
    });
}
