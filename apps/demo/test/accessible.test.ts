import { createRequire } from 'node:module';
import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { onSite } from './suite.js';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** What is done on each page before it is looked at, one state after the other. */
const pages: Record<string, ((page: Page) => Promise<unknown>)[]> = {
  'fill-mask': [
    (page) => page.locator('.results:not(.stale)').waitFor(),
    (page) => page.getByText('As a table of numbers').click(),
  ],
  write: [
    (page) => page.locator('[data-state=ready]').waitFor(),
    async (page) => {
      await page.locator('.controls summary').click();
      await page.getByRole('button', { name: 'Write', exact: true }).click();
      await page.locator('#written-12').waitFor();
    },
    async (page) => {
      await page.getByRole('button', { name: 'Stop' }).click();
      await page.locator('.results:not(.stale)').waitFor();
      await page.locator('#written-10 > span').click();
      await page.getByText('As a table of numbers').click();
    },
    // Longer than the context: part of the text is forgotten.
    async (page) => {
      await page.fill('#beginning', 'We must work for peace. '.repeat(40));
      await page.fill('#length', '10');
      await page.getByRole('button', { name: 'Write', exact: true }).click();
      await page.locator('.token-text .forgotten').first().waitFor();
      await page.locator('.results:not(.stale)').waitFor();
    },
    async (page) => {
      await page.getByLabel('When the context is full').selectOption('stop');
      await page.getByRole('button', { name: 'Write', exact: true }).click();
      await page.getByRole('alert').waitFor();
    },
  ],
  memory: [
    (page) => page.locator('[data-token]').waitFor(),
    async (page) => {
      await page.locator('#read-70 > span').click();
      await page.locator('[data-token="70"]').waitFor();
      await page.locator('.share').first().click();
      await page.getByText('As it was measured').click();
      await page.getByRole('button', { name: 'Race', exact: true }).click();
      await page.locator('.lane').first().waitFor();
    },
    async (page) => {
      await page.getByRole('button', { name: 'Stop' }).click();
      await page.getByLabel('change against no memory').check();
      await page.locator('.token-text .change-0').first().waitFor();
    },
    async (page) => {
      await page.fill('#memory', '0');
      await page.getByText('Memory: none').waitFor();
    },
    async (page) => {
      await page.fill('#passage', '');
      await page.locator('.token-text').waitFor({ state: 'detached' });
    },
  ],
  tokens: [(page) => page.locator('.results:not(.stale) .colored-text').first().waitFor()],
  about: [(page) => page.getByRole('heading', { name: 'About' }).waitFor()],
};

const site = onSite('every page, looked at by axe', () => {
  const cases = Object.keys(pages).flatMap((path) => [
    [path, 'light'] as const,
    [path, 'dark'] as const,
  ]);
  test.each(cases)('%s in %s has nothing to complain of', async (path, colorScheme) => {
    const page = await site.open({ colorScheme, reducedMotion: 'reduce' });
    await page.goto(`${site.url}#/${path}`);
    for (const reach of pages[path]!) {
      await reach(page);
      expect(await violations(page)).toEqual([]);
    }
  });
});

/** What axe finds wrong, as `rule: element`. */
async function violations(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.addScriptTag({ path: axe });
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') };
    const { violations } = await axe.run();
    return violations.flatMap(({ id, nodes }) =>
      nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`),
    );
  });
}
