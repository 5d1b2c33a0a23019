import { yieldToEventLoop } from '@multihead/nn';
import { expectWhole, TrainingError, throwIfAborted } from './errors.js';
import { ParallelStreams } from './parallel-streams.js';
import { CarriedMemories, type RecurrentLengths, type RecurrentModel } from './recurrent-model.js';

export interface EvaluateStreamsOptions extends RecurrentLengths {
  model: RecurrentModel;
  /** The text. */
  ids: ArrayLike<number>;
  /** Tokens foretold in a pass: it may be another number than in training. */
  segmentLength: number;
  /** Parts of the text side by side; what does not fill a part is left out. Default 1. */
  batchSize?: number;
  /** At most so many segments, from the start; default all. */
  segments?: number | undefined;
  /** Characters of the text, for `bitsPerCharacter`; default one a token. */
  characters?: number;
  onProgress?: (progress: { segment: number; segments: number }) => void;
  signal?: AbortSignal | undefined;
}

export type StreamsEvaluation = {
  /** Mean over the foretold tokens, in nats. */
  loss: number;
  /** exp(loss) */
  perplexity: number;
  /** What a character costs, in bits. */
  bitsPerCharacter: number;
  /** How many tokens were foretold. */
  tokens: number;
};

/**
 * How well a model with a memory foretells a text, segment after segment, with lengths of its own for
 * memory and segments (Dai et al. 2019, §4.1: more memory than in training, fewer tokens at once).
 *
 * @throws TrainingError `ABORTED`, `BAD_OPTION`; ModelError for lengths that exclude each other
 */
export async function evaluateStreams(options: EvaluateStreamsOptions): Promise<StreamsEvaluation> {
  const { model, ids, segmentLength, batchSize = 1, characters = ids.length } = options;
  const { memLen, extLen = 0, clampLen, sameLength, onProgress, signal } = options;
  if (!(characters > 0)) {
    throw new TrainingError(
      'BAD_OPTION',
      `evaluateStreams: a text of ${ids.length} tokens and ${characters} characters is none to evaluate.`,
    );
  }
  const streams = new ParallelStreams(ids, { batchSize, segmentLength, extLen });
  const segments = Math.min(options.segments ?? streams.length, streams.length);
  expectWhole('evaluateStreams: segments', segments, 1);
  const memories = new CarriedMemories();
  const total = { nats: 0, tokens: 0 };
  try {
    for (let done = 0; done < segments; ) {
      throwIfAborted(signal, `after segment ${done} of the evaluation`);
      const segment = streams.at(done)!;
      const lengths = { memLen, extLen, clampLen, sameLength, outputLogits: false };
      const outputs = model.forward({ ...segment, mems: memories.before(segment) }, lengths);
      try {
        if (outputs.loss === undefined) {
          throw new TrainingError('BAD_BATCH', 'The model gave no loss for a segment.');
        }
        const tokens = batchSize * segment.targets[0]!.length;
        total.nats += (await outputs.loss.data())[0]! * tokens;
        total.tokens += tokens;
        memories.take(outputs.mems);
      } finally {
        outputs.dispose();
      }
      done++;
      onProgress?.({ segment: done, segments });
      await yieldToEventLoop();
    }
  } finally {
    memories.dispose();
  }
  const loss = total.nats / total.tokens;
  const bitsPerCharacter = ((loss / Math.LN2) * ids.length) / characters;
  return { loss, perplexity: Math.exp(loss), bitsPerCharacter, tokens: total.tokens };
}
