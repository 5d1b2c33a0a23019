// Hugging Face's `tokenizer.json`: reading it into the parts of a tokenizer, and writing it.
import type { AddedToken, AddedTokens } from './added-tokens.js';
import type { PaddingSettings, TruncationSettings, TruncationStrategy } from './encode-options.js';
import { quote, TokenizerError } from './errors.js';
import type {
  Decoder,
  Json,
  Model,
  Normalizer,
  PostProcessor,
  PreTokenizer,
  TokenizerParts,
} from './pipeline.js';

/** Makes a component of its JSON; `read` makes those inside it. */
type Reader<T> = (json: Json, read: (json: unknown) => T) => T;

/** The components a reader knows, by their `type`. */
export interface Components {
  normalizers: Readonly<Record<string, Reader<Normalizer>>>;
  preTokenizers: Readonly<Record<string, Reader<PreTokenizer>>>;
  models: Readonly<Record<string, Reader<Model>>>;
  postProcessors: Readonly<Record<string, Reader<PostProcessor>>>;
  decoders: Readonly<Record<string, Reader<Decoder>>>;
}

/** The parts that a parsed `tokenizer.json` describes; a component that is not known is an error. */
export function readTokenizerJson(json: Json, components: Components): TokenizerParts {
  const optional = <T>(
    slot: string,
    readers: Readonly<Record<string, Reader<T>>>,
  ): T | undefined => (json[slot] == null ? undefined : readComponent(slot, json[slot], readers));
  if (!isObject(json.model)) badFile('it has no model');
  return {
    model: readComponent('model', withType(json.model), components.models),
    normalizer: optional('normalizer', components.normalizers),
    preTokenizer: optional('pre_tokenizer', components.preTokenizers),
    postProcessor: optional('post_processor', components.postProcessors),
    decoder: optional('decoder', components.decoders),
    addedTokens: ((json.added_tokens ?? []) as Json[]).map(readAddedToken),
    truncation: readTruncation(json.truncation),
    padding: readPadding(json.padding),
  };
}

/** One component of `slot`, and those inside it. */
function readComponent<T>(
  slot: string,
  json: unknown,
  readers: Readonly<Record<string, Reader<T>>>,
): T {
  if (!isObject(json))
    badFile(`${slot} is not a component but ${quote(JSON.stringify(json) ?? '')}`);
  const type = String(json.type);
  const reader = Object.hasOwn(readers, type) ? readers[type] : undefined;
  if (reader === undefined) {
    throw new TokenizerError(
      'UNSUPPORTED',
      `tokenizer.json: the ${slot} ${quote(type)} is not among those this reader has (${Object.keys(readers).join(', ')}); loadTokenizer has the most`,
    );
  }
  return reader(json, (inner) => readComponent(slot, inner, readers));
}

/** Files of old versions leave out the model's type: what it has tells it. */
function withType(model: Json): Json {
  if (model.type !== undefined) return model;
  const type = model.merges ? 'BPE' : model.max_input_chars_per_word ? 'WordPiece' : 'WordLevel';
  return { ...model, type };
}

function readAddedToken(json: Json): AddedToken {
  if (typeof json.content !== 'string') badFile(`an added token has no content`);
  return {
    content: json.content,
    special: json.special === true,
    normalized: json.normalized !== false,
    singleWord: json.single_word === true,
    lstrip: json.lstrip === true,
    rstrip: json.rstrip === true,
  };
}

const STRATEGIES: Record<string, TruncationStrategy> = {
  LongestFirst: 'longest_first',
  OnlyFirst: 'only_first',
  OnlySecond: 'only_second',
};

function readTruncation(json: unknown): TruncationSettings | undefined {
  if (!isObject(json)) return undefined;
  return {
    maxLength: Number(json.max_length),
    strategy: STRATEGIES[String(json.strategy)] ?? badFile(`truncation by ${json.strategy}`),
    stride: Number(json.stride ?? 0),
    side: json.direction === 'Left' ? 'left' : 'right',
  };
}

function readPadding(json: unknown): PaddingSettings | undefined {
  if (!isObject(json)) return undefined;
  const strategy = json.strategy;
  return {
    length: isObject(strategy) ? Number(strategy.Fixed) : undefined,
    side: json.direction === 'Left' ? 'left' : 'right',
    toMultipleOf: Number(json.pad_to_multiple_of ?? 0),
    id: Number(json.pad_id),
    typeId: Number(json.pad_type_id ?? 0),
    token: String(json.pad_token),
  };
}

/** The tokenizer as `tokenizer.json` has it. */
export function writeTokenizerJson(parts: TokenizerParts, addedTokens: AddedTokens): object {
  const { truncation, padding } = parts;
  const added = [...addedTokens.byId.values()].sort((a, b) => a.id - b.id);
  return {
    version: '1.0',
    truncation: truncation
      ? {
          direction: truncation.side === 'left' ? 'Left' : 'Right',
          max_length: truncation.maxLength,
          strategy: Object.keys(STRATEGIES).find((key) => STRATEGIES[key] === truncation.strategy),
          stride: truncation.stride,
        }
      : null,
    padding: padding
      ? {
          strategy: padding.length === undefined ? 'BatchLongest' : { Fixed: padding.length },
          direction: padding.side === 'left' ? 'Left' : 'Right',
          pad_to_multiple_of: padding.toMultipleOf || null,
          pad_id: padding.id,
          pad_type_id: padding.typeId,
          pad_token: padding.token,
        }
      : null,
    added_tokens: added.map((token) => ({
      id: token.id,
      content: token.content,
      single_word: token.singleWord,
      lstrip: token.lstrip,
      rstrip: token.rstrip,
      normalized: token.normalized,
      special: token.special,
    })),
    normalizer: parts.normalizer?.toJSON() ?? null,
    pre_tokenizer: parts.preTokenizer?.toJSON() ?? null,
    post_processor: parts.postProcessor?.toJSON() ?? null,
    decoder: parts.decoder?.toJSON() ?? null,
    model: parts.model.toJSON(),
  };
}

export function isObject(json: unknown): json is Json {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

export function badFile(reason: string): never {
  throw new TokenizerError('BAD_FILE', `tokenizer.json: ${reason}`);
}

/** The vocabulary of a model's JSON: an object of ids by token. */
export function readVocab(json: unknown): Map<string, number> {
  if (!isObject(json)) badFile('the model has no vocabulary of ids by token');
  const vocab = new Map<string, number>();
  for (const token of Object.keys(json)) {
    const id = json[token];
    if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0) {
      badFile(`the id of ${quote(token)} is ${String(id)}, not a whole number`);
    }
    vocab.set(token, id);
  }
  return vocab;
}

/** A list within a component's JSON. */
export function readList(json: unknown): unknown[] {
  return Array.isArray(json) ? json : badFile(`a list is missing where ${JSON.stringify(json)} is`);
}
