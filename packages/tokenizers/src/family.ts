// How the tokenizers of a family are read: the one place for what they have in common.
import type { AddedToken } from './added-tokens.js';
import type { Merge } from './bpe.js';
import { badOption } from './errors.js';
import { type LoadOptions, nameOf, readFirst, type TokenizerSource } from './files.js';
import { parseJson } from './json.js';
import type { Json, SpecialTokens, TokenizerParts } from './pipeline.js';
import { type Companions, givenRoles, type RoleTokens, readCompanions } from './special-tokens.js';
import { type Components, readTokenizerJson } from './tokenizer-json.js';

export interface FamilyOptions extends SpecialTokens {
  /** The length that the model takes. */
  modelMaxLength?: number;
}

/** A bare vocabulary, as files had it before there was `tokenizer.json`. */
export interface Vocabulary {
  vocab: ReadonlyMap<string, number>;
  merges?: readonly (string | Merge)[];
}

export interface Family<Options extends FamilyOptions> {
  /** What its `tokenizer.json` is made of. */
  components: Components;
  /** The files that a bare vocabulary is in, each by any of its names. */
  files: readonly string[];
  readVocabulary(files: ReadonlyMap<string, string>, place: string): Vocabulary;
  /** The tokens that have a role unless options or files say otherwise. */
  roles(vocab: ReadonlyMap<string, number>): RoleTokens;
  /** The `tokenizer.json` that a bare vocabulary stands for. */
  describe(vocabulary: Vocabulary, options: Options, roles: RoleTokens, config: Json): Json;
  /** The options that `describe` looks at: a `tokenizer.json` says such things itself. */
  describing: readonly (keyof Options & string)[];
}

/** The parts of a tokenizer that a source has. */
export async function readFamily<Options extends FamilyOptions>(
  family: Family<Options>,
  source: TokenizerSource,
  options: Options & LoadOptions,
): Promise<TokenizerParts> {
  const kinds = [['tokenizer.json'], family.files];
  const files = await readFirst(source, kinds, options.signal);
  return partsOf(family, files, options, nameOf(source));
}

/** The parts of a tokenizer that these files describe, which are from `place`. */
export function partsOf<Options extends FamilyOptions>(
  family: Family<Options>,
  files: ReadonlyMap<string, string>,
  options: Options,
  place: string,
): TokenizerParts {
  const companions = readCompanions(files);
  const whole = files.get('tokenizer.json');
  if (whole === undefined) {
    return describedParts(family, family.readVocabulary(files, place), options, companions);
  }
  const extra = family.describing.find((name) => options[name] !== undefined);
  if (extra) badOption(`${extra} is for a bare vocabulary: the tokenizer.json says it itself`);
  const parts = readTokenizerJson(parseJson('tokenizer.json', whole), family.components);
  return withRoles(parts, family.roles(parts.model.vocab), options, companions);
}

/** The parts of a tokenizer over a bare vocabulary. */
export function describedParts<Options extends FamilyOptions>(
  family: Family<Options>,
  vocabulary: Vocabulary,
  options: Options,
  companions: Companions = readCompanions(new Map()),
): TokenizerParts {
  const usual = family.roles(vocabulary.vocab);
  const roles = { ...usual, ...companions.specialTokens, ...givenRoles(options) };
  const json = family.describe(vocabulary, options, roles, companions.config);
  return withRoles(readTokenizerJson(json, family.components), usual, options, companions);
}

/** The parts with what is not in a `tokenizer.json`. */
export function withRoles(
  parts: TokenizerParts,
  usual: RoleTokens,
  options: FamilyOptions,
  { specialTokens, modelMaxLength, config }: Companions,
): TokenizerParts {
  return {
    ...parts,
    specialTokens: { ...usual, ...specialTokens, ...givenRoles(options) },
    modelMaxLength: options.modelMaxLength ?? modelMaxLength,
    config,
  };
}

/** A special token as `tokenizer.json` lists it. */
export function specialToken(content: string): AddedToken {
  return { content, special: true, normalized: false };
}

/** Ids by token, the tokens in the order of their ids. */
export function numbered(tokens: Iterable<string>): Map<string, number> {
  const ids = new Map<string, number>();
  let id = 0;
  for (const token of tokens) ids.set(token, id++);
  return ids;
}
