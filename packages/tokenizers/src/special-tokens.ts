// `tokenizer_config.json` and `special_tokens_map.json`: which tokens have which role.
import { isObject, parseJson } from './json.js';
import type { Json, SpecialTokens } from './pipeline.js';

export type Role = keyof SpecialTokens;
/** Each role has the same name in the files, spelled with `_t` for `T`. */
export const ROLES: readonly Role[] = ['unk', 'sep', 'pad', 'cls', 'mask', 'bos', 'eos'].map(
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
  const [config = {}, map = {}] = COMPANIONS.map((name) =>
    parseJson(name, files.get(name) ?? '{}'),
  );
  const specialTokens = rolesBy((role) => {
    const token = config[inFile(role)] ?? map[inFile(role)];
    return isObject(token) ? token.content : token;
  });
  const longest = Number(config.model_max_length);
  // Hugging Face writes 1e30 for "no limit".
  return { config, specialTokens, modelMaxLength: longest < 1e9 ? longest : undefined };
}

/** The roles for which the options have a token. */
export function givenRoles(options: SpecialTokens): RoleTokens {
  return rolesBy((role) => options[role]);
}

function rolesBy(tokenOf: (role: Role) => unknown): RoleTokens {
  const tokens = ROLES.map((role) => [role, tokenOf(role)] as const);
  return Object.fromEntries(tokens.filter(([, token]) => typeof token === 'string'));
}
