import { checkpointFolders, newestCheckpoint } from './checkpoint-folders.js';
import { TrainingError } from './errors.js';
import type { ParallelStreams, Segment } from './parallel-streams.js';
import { CarriedMemories, type RecurrentModel } from './recurrent-model.js';
import { type GroupedSegment, StreamGroups } from './stream-groups.js';
import { type TrainingSummary, type TrainOptions, train } from './train.js';
import type { SavableModel } from './training-checkpoint.js';

export interface TrainStreamsOptions
  extends Omit<
    TrainOptions<Segment, Segment>,
    'model' | 'dataset' | 'collate' | 'batchSize' | 'shuffle' | 'loss' | 'causal'
  > {
  /** Writing checkpoints asks for a model with `save`, as every `PretrainedModel` has it. */
  model: RecurrentModel & Partial<Pick<SavableModel, 'save'>>;
  streams: ParallelStreams;
  /**
   * Groups of as many streams each that take a step one after another, and the weights after the last: the
   * same step for less memory (the original's `batch_chunk`). Default 1.
   */
  gradientAccumulationSteps?: number;
}

const memoriesFile = 'memories.safetensors';

/**
 * Trains a model with a memory along parallel streams: a step is a segment of all of them, in order, with
 * what the segment before left; no gradient flows back through that (Dai et al. 2019, §3.2). Each epoch
 * begins as a text does. All else is `train`'s; a checkpoint has the memories too, so that a run
 * that was resumed ends with the same bits.
 *
 * @throws what `train` throws; TrainingError `BAD_CHECKPOINT` for a checkpoint without memories
 */
export async function trainStreams(options: TrainStreamsOptions): Promise<TrainingSummary> {
  const { model, streams, checkpoints, gradientAccumulationSteps = 1, ...rest } = options;
  const dataset = new StreamGroups(streams, gradientAccumulationSteps);
  const memories = new CarriedMemories(gradientAccumulationSteps);
  try {
    if (checkpoints && options.resume) await restore(memories, checkpoints.folder);
    return await train<GroupedSegment, GroupedSegment>({
      ...rest,
      model,
      dataset,
      collate: sideBySide,
      batchSize: 1,
      gradientAccumulationSteps,
      shuffle: false,
      loss: (segment, random) => {
        const { inputIds, targets, group } = segment;
        const mems = memories.before(segment, group);
        // What segments repeat is what the memory leaves out, whatever the configuration says.
        const { extLen } = streams;
        const outputs = model.forward(
          { inputIds, targets, mems },
          { random, extLen, outputLogits: false },
        );
        if (outputs.loss === undefined) {
          throw new TrainingError('BAD_BATCH', 'The model gave no loss for a segment.');
        }
        memories.take(outputs.mems, group);
        return outputs.loss;
      },
      ...(checkpoints && { checkpoints: { ...checkpoints, files: files() } }),
    });
  } finally {
    memories.dispose();
  }

  /** Read when a checkpoint is written. */
  function files(): Record<string, string | Uint8Array> {
    const given = { ...checkpoints?.files };
    return Object.defineProperty(given, memoriesFile, {
      get: () => memories.toBytes(),
      enumerable: true,
    });
  }
}

/** One segment as it is. (To tell one run's data from another's, `train` looks at many at once.) */
function sideBySide(segments: readonly GroupedSegment[]): GroupedSegment {
  return segments.length === 1
    ? segments[0]!
    : {
        inputIds: segments.flatMap(({ inputIds }) => inputIds),
        targets: segments.flatMap(({ targets }) => targets),
        isFirst: false,
      };
}

async function restore(
  memories: CarriedMemories,
  folder: string | FileSystemDirectoryHandle,
): Promise<void> {
  const found = await newestCheckpoint(checkpointFolders(folder));
  if (found === undefined) return;
  const bytes = await found.folder.readBytes(memoriesFile);
  const file = `${found.folder.source}/${memoriesFile}`;
  if (bytes) return memories.restore(bytes, file);
  throw new TrainingError(
    'BAD_CHECKPOINT',
    `${found.folder.source} cannot be resumed: it lacks ${memoriesFile}.`,
  );
}
