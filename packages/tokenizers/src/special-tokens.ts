// `tokenizer_config.json` and `special_tokens_map.json`: which tokens have which role.
import { isObject, parseJson } from './json.js';
import type { Json, SpecialTokens } from './pipeline.js';

export type Role = keyof SpecialTokens;
/** Each role has the same name in the files, spelled with `_t` for `T`. */
const ROLES = ['unk', 'sep', 'pad', 'cls', 'mask', 'bos', 'eos'].map(
  (name) => `${name}Token` as Role,
);
/** The name that the files have for a role. */
export const inFile = (role: Role): string => role.replace('T', '_t');

/** Tokens by role, of those that have one. */
export type RoleTokens = { [role in Role]?: string };

/** What the files beside a vocabulary say. */
export interface Companions {
  config: Json;
  specialTokens: RoleTokens;
  modelMaxLength: number | undefined;
}

/** The names of the companion files. */
export const COMPANIONS: readonly string[] = ['tokenizer_config.json', 'special_tokens_map.json'];

export function readCompanions(files: ReadonlyMap<string, string>): Companions {
  const [config, map] = COMPANIONS.map((name) => parseJson(name, files.get(name) ?? '{}'));
  const specialTokens: RoleTokens = {};
  for (const role of ROLES) {
    const token = config![inFile(role)] ?? map![inFile(role)];
    const content = isObject(token) ? token.content : token;
    if (typeof content === 'string') specialTokens[role] = content;
  }
  const longest = Number(config!.model_max_length);
  // Hugging Face writes 1e30 for "no limit".
  const modelMaxLength = longest < 1e9 ? longest : undefined;
  return { config: config!, specialTokens, modelMaxLength };
}

/** The roles that have a token. */
export function givenRoles(options: SpecialTokens): RoleTokens {
  const found: RoleTokens = {};
  for (const role of ROLES) if (options[role] !== undefined) found[role] = options[role];
  return found;
}
