// Hugging Face's `tokenizer.json`: reading it into the parts of a tokenizer.
import type { AddedToken } from './added-tokens.js';
import type { EncodeDefaults, TruncationStrategy } from './encode-options.js';
import { badFile, quote, TokenizerError, unsupported } from './errors.js';
import { isObject } from './json.js';
import type { Translate } from './pattern.js';
import type {
  Decoder,
  Json,
  Model,
  Normalizer,
  PostProcessor,
  PreTokenizer,
  TokenizerParts,
} from './pipeline.js';

/**
 * The classes of components by their `type`; each is made of its JSON, of what reads those inside it,
 * and of what reads patterns.
 */
type Makers<T> = Readonly<
  Record<string, new (json: never, read: never, translate: Translate | undefined) => T>
>;

/** The components that a reader knows. */
export interface Components {
  normalizers: Makers<Normalizer>;
  preTokenizers: Makers<PreTokenizer>;
  /** These are made of the vocabulary and of the rest of their JSON. */
  models: Readonly<Record<string, new (vocab: ReadonlyMap<string, number>, json: never) => Model>>;
  postProcessors: Makers<PostProcessor>;
  decoders: Makers<Decoder>;
  /** Reads patterns (by default as they are). */
  translate?: Translate;
}

/** The parts that a parsed `tokenizer.json` describes; a component that is not known is an error. */
export function readTokenizerJson(json: Json, components: Components): TokenizerParts {
  const read = <T>(slot: string, makers: Makers<T>): T | undefined =>
    json[slot] == null ? undefined : readComponent(slot, json[slot], makers, components.translate);
  if (!isObject(json.model)) bad('it has no model');
  const { vocab, ...model } = withType(json.model);
  return {
    model: make('model', model, components.models, (Maker) => {
      return new Maker(readVocab(vocab), model as never);
    }),
    normalizer: read('normalizer', components.normalizers),
    preTokenizer: read('pre_tokenizer', components.preTokenizers),
    postProcessor: read('post_processor', components.postProcessors),
    decoder: read('decoder', components.decoders),
    addedTokens: ((json.added_tokens ?? []) as Json[]).map(readAddedToken),
    defaults: { ...readTruncation(json.truncation), ...readPadding(json.padding) },
  };
}

/** One component of `slot`, and those inside it. */
function readComponent<T>(
  slot: string,
  json: unknown,
  makers: Makers<T>,
  translate: Translate | undefined,
): T {
  const read = (inner: unknown): T => readComponent(slot, inner, makers, translate);
  return make(slot, json, makers, (Maker) => new Maker(json as never, read as never, translate));
}

function make<M, T>(
  slot: string,
  json: unknown,
  makers: Readonly<Record<string, M>>,
  of: (maker: M) => T,
): T {
  const { type } = Object(json) as Json;
  if (!Object.hasOwn(makers, String(type))) {
    const known = Object.keys(makers).join(', ');
    unsupported(
      `tokenizer.json: the ${slot} ${quote(String(type))} is none of ${known}; try loadTokenizer`,
    );
  }
  try {
    return of(makers[String(type)]!);
  } catch (cause) {
    if (cause instanceof TokenizerError) throw cause;
    return bad(`the ${slot} ${type} is broken (${(cause as Error).message})`, cause);
  }
}

/** Files of old versions leave out the model's type: what it has tells it. */
function withType(model: Json): Json {
  const { merges, max_input_chars_per_word: words } = model;
  return { type: merges ? 'BPE' : words ? 'WordPiece' : 'WordLevel', ...model };
}

function readAddedToken({ single_word, ...token }: Json): AddedToken {
  if (typeof token.content !== 'string') bad('an added token has no content');
  return {
    normalized: true,
    singleWord: single_word === true,
    ...(token as unknown as AddedToken),
  };
}

/** The truncation strategies by the names that the file has for them. */
export const STRATEGIES: Record<string, TruncationStrategy> = {
  LongestFirst: 'longest_first',
  OnlyFirst: 'only_first',
  OnlySecond: 'only_second',
};
const sideOf = (direction: unknown) => (direction === 'Left' ? 'left' : 'right');

function readTruncation(json: unknown): EncodeDefaults {
  if (!isObject(json)) return {};
  const { max_length, strategy, stride, direction } = json;
  return {
    truncation: STRATEGIES[String(strategy)] ?? bad(`truncation by ${strategy}`),
    maxLength: Number(max_length),
    stride: Number(stride ?? 0),
    truncationSide: sideOf(direction),
  };
}

function readPadding(json: unknown): EncodeDefaults {
  if (!isObject(json)) return {};
  const { strategy } = json;
  return {
    padding: true,
    padLength: (strategy as { Fixed?: number } | undefined)?.Fixed,
    padToMultipleOf: Number(json.pad_to_multiple_of ?? 0),
    paddingSide: sideOf(json.direction),
    padToken: String(json.pad_token),
    padTokenId: Number(json.pad_id),
    padTypeId: Number(json.pad_type_id ?? 0),
  };
}

function bad(reason: string, cause?: unknown): never {
  return badFile(`tokenizer.json: ${reason}`, cause);
}

/** The vocabulary of a model's JSON: an object of ids by token. */
export function readVocab(json: unknown): ReadonlyMap<string, number> {
  if (json instanceof Map) return json;
  if (!isObject(json)) bad('the model has no vocabulary of ids by token');
  const vocab = new Map<string, number>();
  for (const token of Object.keys(json)) {
    const id = json[token];
    if (!Number.isSafeInteger(id) || (id as number) < 0) {
      bad(`the id of ${quote(token)} is ${id}, not a whole number`);
    }
    vocab.set(token, id as number);
  }
  return vocab;
}
