import type { Command } from 'commander';
import { pretrainBert } from './pretrain-bert.js';
import { pretrainGpt } from './pretrain-gpt.js';
import { pretrainTransformerXL } from './pretrain-transformer-xl.js';

/** `multihead pretrain <family> …` */
export function pretrain(program: Command): void {
  const families = program
    .command('pretrain')
    .summary('train a model from nothing')
    .description('Trains a model from nothing on text files.');
  pretrainBert(families);
  pretrainGpt(families);
  pretrainTransformerXL(families);
}
