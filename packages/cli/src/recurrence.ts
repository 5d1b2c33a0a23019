import type { Folder } from '@multihead/checkpoint';
import { TransfoXLConfig } from '@multihead/transformer-xl';
import type { RecurrenceOptions } from './causal-model-options.js';
import { CliError } from './errors.js';

/**
 * The folder of a model that is to remember by these options, whatever its configuration says.
 *
 * @throws CliError `USAGE` where it has no memory, or not such a one; ModelError `BAD_CONFIG`
 */
export function remembering(folder: Folder, options: RecurrenceOptions): Folder {
  const { memoryLength, clampLength, sameLength } = options;
  const wanted = [memoryLength, clampLength, sameLength].findIndex((value) => value !== undefined);
  if (wanted === -1) return folder;
  const { config, source } = folder;
  if (config?.model_type !== 'transfo-xl') {
    const name = ['--memory-length', '--clamp-length', '--same-length'][wanted];
    throw new CliError('USAGE', `${name} is for a Transformer-XL, which ${source} is not.`);
  }
  const made = TransfoXLConfig.fromJson(config);
  const memLen = memoryLength ?? made.memLen;
  if (sameLength && memLen === 0) {
    throw new CliError('USAGE', '--same-length needs a memory: give a --memory-length.');
  }
  return {
    ...folder,
    config: {
      ...config,
      mem_len: memLen,
      clamp_len: clampLength ?? made.clampLen,
      // Without a memory there is nothing of which every token could see as much.
      same_length: sameLength ?? (made.sameLength && memLen > 0),
      tgt_len: segmentLength(made, memLen, source),
    },
  };
}

/** With which as many distances are learnt as are in the file, by types 1 and 3. */
function segmentLength(made: TransfoXLConfig, memLen: number, source: string): number {
  const { attnType, tgtLen, extLen, maxKeyLength } = made;
  if (attnType % 2 === 0) return tgtLen;
  const left = maxKeyLength - extLen - memLen;
  if (left > 0) return left;
  throw new CliError(
    'USAGE',
    `${source} has learnt ${maxKeyLength} distances: --memory-length is at most ${maxKeyLength - extLen - 1}.`,
  );
}
