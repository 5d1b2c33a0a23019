// `tokenizer_config.json` and `special_tokens_map.json`: which tokens have which role.
import { parseJson } from './files.js';
import type { Json, SpecialTokens } from './pipeline.js';
import { isObject } from './tokenizer-json.js';

const ROLES: readonly [file: string, option: keyof SpecialTokens][] = [
  ['unk_token', 'unkToken'],
  ['sep_token', 'sepToken'],
  ['pad_token', 'padToken'],
  ['cls_token', 'clsToken'],
  ['mask_token', 'maskToken'],
  ['bos_token', 'bosToken'],
  ['eos_token', 'eosToken'],
];

/** Tokens by role, of those that have one. */
export type RoleTokens = { [role in keyof SpecialTokens]?: string };

/** What the files beside a vocabulary say. */
export interface Companions {
  config: Json;
  specialTokens: RoleTokens;
  modelMaxLength: number | undefined;
}

/** The names of the companion files. */
export const COMPANIONS: readonly string[] = ['tokenizer_config.json', 'special_tokens_map.json'];

export function readCompanions(files: ReadonlyMap<string, string>): Companions {
  const parse = (name: string): Json => {
    const text = files.get(name);
    return text === undefined ? {} : parseJson(name, text);
  };
  const config = parse('tokenizer_config.json');
  const map = parse('special_tokens_map.json');
  const specialTokens: RoleTokens = {};
  for (const [file, option] of ROLES) {
    const token = config[file] ?? map[file];
    const content = isObject(token) ? token.content : token;
    if (typeof content === 'string') specialTokens[option] = content;
  }
  const longest = Number(config.model_max_length);
  // Hugging Face writes 1e30 for "no limit".
  return { config, specialTokens, modelMaxLength: longest < 1e9 ? longest : undefined };
}

/** The roles by the names that the files have for them. */
export function writeSpecialTokens(specialTokens: SpecialTokens): Record<string, string> {
  const names: Record<string, string> = {};
  for (const [file, option] of ROLES) {
    const token = specialTokens[option];
    if (token !== undefined) names[file] = token;
  }
  return names;
}

/** The roles that have a token. */
export function given(roles: SpecialTokens): RoleTokens {
  const found: RoleTokens = {};
  for (const [, option] of ROLES) {
    const token = roles[option];
    if (token !== undefined) found[option] = token;
  }
  return found;
}
