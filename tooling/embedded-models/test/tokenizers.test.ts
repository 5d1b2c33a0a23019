import { readFile } from 'node:fs/promises';
import { beforeAll, expect, test } from '@jest/globals';
// @ts-expect-error: the tooling is plain JavaScript
import { makeFiles, readLines, recipes } from '../tokenizer-recipes.mjs';

const models = new URL('../../../models/', import.meta.url);
let training: string[] = [];
beforeAll(async () => {
  ({ training } = await readLines());
});

test.each(recipes as { name: string }[])(
  '$name is what its recipe makes',
  async (recipe) => {
    const made: Record<string, string> = await makeFiles(recipe, training);
    for (const [file, content] of Object.entries(made)) {
      const kept = await readFile(new URL(`${recipe.name}/${file}`, models), 'utf8');
      // Not toBe: what differs would be printed in full.
      expect({ file, same: kept === content }).toEqual({ file, same: true });
    }
  },
  60_000,
);
