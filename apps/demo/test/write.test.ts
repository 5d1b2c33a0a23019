import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type GenerateOptions, generate, topTokens } from '@multihead/generation';
import { GPT2LMHeadModel } from '@multihead/gpt';
import { GPT2Tokenizer } from '@multihead/tokenizers';
import { useWasm } from '@multihead/wasm';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { contrasts, phone, tabTo, widest } from './browser.js';
import { gptFolder } from './site.js';
import { onSite } from './suite.js';

const beginning = 'The captain looked at the sea';
/** The model of the page, here in Node and with plain SIMD. */
let model: GPT2LMHeadModel;
let tokenizer: GPT2Tokenizer;

const site = onSite('the page that writes in Chromium', () => {
  beforeAll(async () => {
    await useWasm({ variant: 'simd' });
    tokenizer = await GPT2Tokenizer.fromPretrained(gptFolder);
    model = await GPT2LMHeadModel.fromPretrained(gptFolder);
  });
  afterAll(async () => {
    model?.dispose();
  });

  describe('the text is the one that the packages write in Node', () => {
    test('with the most probable token each time, and its probabilities', async () => {
      const page = await visit();
      await set(page, { temperature: 0, length: 40 });
      await write(page, beginning);
      const wanted = await inNode(beginning, { maxNewTokens: 40 });
      expect(await readText(page)).toBe(beginning + wanted.text);
      const before = tokenizer.encodeIds(beginning).length;
      for (const [i, logits] of wanted.logits.entries()) {
        if (i % 8 !== 0) continue;
        await tokenAt(page, before + i).click();
        const candidates = await readCandidates(page);
        const best = topTokens(logits, 8);
        expect(candidates.map(({ id }) => id)).toEqual(best.map(({ token }) => token));
        for (const [k, { logProbability }] of best.entries()) {
          expect(candidates[k]!.model).toBeCloseTo(Math.exp(logProbability) * 100, 0);
          expect(candidates[k]!.drawn).toBe(k === 0 ? 100 : undefined);
        }
      }
      expect(site.complaints).toEqual([]);
    });

    test('drawn with a seed, a temperature, top-k and top-p', async () => {
      const page = await visit();
      await set(page, { temperature: 1.2, topK: 20, topP: 0.8, seed: 7, length: 40 });
      await write(page, beginning);
      const drawing = { doSample: true, temperature: 1.2, topK: 20, topP: 0.8, seed: 7 };
      const wanted = await inNode(beginning, { ...drawing, maxNewTokens: 40 });
      expect(await readText(page)).toBe(beginning + wanted.text);
      expect(await page.locator('.figures').textContent()).toContain('seed 7');
    });

    test('from nothing, and past the end of the context', async () => {
      const page = await visit();
      const length = Math.ceil(model.contextLength / 10) * 10 + 40;
      await set(page, { temperature: 1, topK: 0, topP: 1, seed: 5, length });
      await page.fill('#beginning', '');
      expect(await page.textContent('#beginning-note')).toContain('a text of its own');
      await write(page, '');
      const drawing = { doSample: true, topK: 0, seed: 5, maxNewTokens: length };
      const bos = model.specialTokens.bos!;
      const slide = { onContextFull: 'slide' as const };
      const wanted = await inNode([bos], { ...drawing, ...slide });
      expect(await readText(page)).toBe(wanted.text);
      const first = page.locator('.token-text [role=option] .sign').first();
      expect(await first.getAttribute('data-sign')).toBe('<|endoftext|>');

      // The model may have ended its text: it goes on until the context has slid.
      const written = page.locator('.token-text [role=option]');
      while ((await written.count()) <= length) await goOn(page);
      const grey = await page.locator('.token-text .forgotten').count();
      expect(grey).toBeGreaterThan(0);
      expect((await written.count()) - grey).toBeLessThanOrEqual(model.contextLength + 1);
      expect(await page.locator('.figures').textContent()).toContain('has forgotten the first');
      expect(site.complaints).toEqual([]);
    });
  });

  test('shows the attention of any layer and head', async () => {
    const page = await visit();
    await set(page, { temperature: 0, length: 10 });
    await write(page, beginning);
    const { ids } = await inNode(beginning, { maxNewTokens: 10 });
    using outputs = model.forward({ inputIds: [ids] }, { outputAttentions: true });
    const attentions = outputs.attentions!.map((one) => (one.arraySync() as number[][][][])[0]!);
    await page.getByText('As a table of numbers').click();
    for (const [layer, head] of [
      [0, 1],
      [attentions.length - 1, 0],
    ] as const) {
      await page.getByLabel('Layer').selectOption(String(layer));
      await page.getByLabel('Head').selectOption(String(head));
      const shown = await page
        .locator('.numbers tbody tr')
        .evaluateAll((rows) =>
          rows.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent)),
        );
      const wanted = attentions[layer]![head]!;
      expect(shown.length).toBe(ids.length);
      for (const [row, cells] of shown.entries()) {
        expect(cells.length).toBe(row + 1);
        for (const [column, cell] of cells.entries()) {
          expect(Math.abs(Number(cell) - wanted[row]![column]! * 100)).toBeLessThan(0.06);
        }
      }
    }
    // The row of the token that was chosen in the text; nothing right of itself can be pointed at.
    await tokenAt(page, 2).click();
    const readout = page.locator('.readout-cell');
    expect(await readout.textContent()).toContain(`“${tokenizer.decode([ids[2]!]).trim()}” looks`);
    await page.locator('.heat-map').focus();
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowRight');
    const name = tokenizer.decode([ids[2]!]).trim();
    expect(await readout.textContent()).toContain(`“${name}” looks at “${name}”`);
  });

  test('writes as one watches, stops at once, and goes on', async () => {
    const page = await visit();
    await set(page, { length: 400, pace: '12' });
    await page.fill('#beginning', beginning);
    await page.getByRole('button', { name: 'Write', exact: true }).click();
    const written = page.locator('.token-text [role=option]');
    await written.nth(9).waitFor();
    const status = page.locator('.figures [role=status]');
    expect(await status.textContent()).toBe('Writing …');
    // Nothing chosen: the newest token is told of.
    expect(await page.locator('.lens').textContent()).toContain('the newest token');
    await page.getByRole('button', { name: 'Stop' }).click();
    await ended(page);
    expect(await status.textContent()).toContain('Stopped after');
    const text = await readText(page);
    const count = await written.count();
    expect(count).toBeLessThan(100);
    await page.waitForTimeout(300);
    expect(await written.count()).toBe(count);
    expect(await page.locator('.figures').textContent()).toMatch(/then [\d,]+ tokens a second/);

    const colours = () =>
      written.evaluateAll((all) => all.map((one) => one.querySelector('span')!.className));
    const before = await colours();
    await set(page, { length: 20, pace: 'all' });
    await goOn(page);
    expect((await readText(page)).startsWith(text)).toBe(true);
    expect((await colours()).slice(0, count)).toEqual(before);
    expect(await written.count()).toBeLessThanOrEqual(count + 20);
    expect(site.complaints).toEqual([]);
  });

  test('another token can be put in the place of one, in the midst of writing too', async () => {
    const page = await visit();
    await set(page, { length: 60, pace: '30' });
    await page.fill('#beginning', beginning);
    await page.getByRole('button', { name: 'Write', exact: true }).click();
    const given = tokenizer.encodeIds(beginning).length;
    await tokenAt(page, given + 4).waitFor();
    await tokenAt(page, given + 1).click();
    const [, , third] = await readCandidates(page);
    await set(page, { temperature: 0, pace: 'all' });
    await page.locator(`.lens [data-id="${third!.id}"]`).click();
    await page.locator('.token-text .picked').waitFor();
    await ended(page);
    expect(await page.locator('.token-text .picked').count()).toBe(1);
    const ids = await prefix(page, given + 1);
    const wanted = await inNode([...ids, third!.id], { maxNewTokens: 60 });
    expect(await readText(page)).toBe(tokenizer.decode([...ids, third!.id]) + wanted.text);
    await tokenAt(page, given + 1).click();
    expect(await page.locator('.lens').textContent()).toContain('Chosen by you');
    expect(site.complaints).toEqual([]);
  });

  test('what is under the mouse is told of, and what was chosen afterwards again', async () => {
    const page = await visit();
    await set(page, { length: 20 });
    await write(page, beginning);
    const name = page.locator('.lens .spelled');
    const names = await page.locator('.token-text [role=option]').allTextContents();
    const given = tokenizer.encodeIds(beginning).length;
    await tokenAt(page, given + 2).click();
    expect(await name.textContent()).toBe(names[given + 2]);
    await tokenAt(page, 1).hover();
    expect(await page.locator('.lens').textContent()).toContain('It was given');
    await page.locator('h1').hover();
    expect(await name.textContent()).toBe(names[given + 2]);
    await tokenAt(page, given + 2).click();
    await page.locator('h1').hover();
    expect(await page.locator('.lens').textContent()).toContain('the newest token');
  });

  describe('where the context is full', () => {
    test('it stops, says so, and goes on once it may forget', async () => {
      const page = await visit();
      await set(page, { onContextFull: 'stop', length: 150, seed: 1 });
      const status = page.locator('.figures [role=status]');
      await write(page, beginning);
      const button = page.getByRole('button', { name: 'Go on' });
      for (let i = 0; i < 20 && !(await button.isDisabled()); i++) await goOn(page);
      expect(await status.textContent()).toContain('The context is full');
      const written = page.locator('.token-text [role=option]');
      expect(await written.count()).toBe(model.contextLength + 1);
      await set(page, { onContextFull: 'slide' });
      await goOn(page);
      expect(await written.count()).toBeGreaterThan(model.contextLength + 1);
      expect(site.complaints).toEqual([]);
    });

    test('a beginning that is too long is refused in words that help, or its end is read', async () => {
      const page = await visit();
      const long = `${beginning}, `.repeat(60);
      await set(page, { onContextFull: 'stop', length: 10 });
      await page.fill('#beginning', long);
      await page.getByText('too long').waitFor();
      await page.getByRole('button', { name: 'Write', exact: true }).click();
      expect(await page.getByRole('alert').textContent()).toContain('This beginning is too long');
      await set(page, { onContextFull: 'slide', temperature: 0 });
      expect(await page.textContent('#beginning-note')).toContain('only the end is read');
      await write(page, long);
      expect(await page.getByRole('alert').count()).toBe(0);
      const slide = { onContextFull: 'slide' as const };
      const wanted = await inNode(long, { maxNewTokens: 10, ...slide });
      expect(await readText(page)).toBe(long + wanted.text);
      expect(site.complaints).toEqual([]);
    });
  });

  test('everything can be worked with the keyboard alone', async () => {
    const page = await visit();
    await page.locator('.controls details').evaluate((details) => details.removeAttribute('open'));
    await tabTo(page, '#beginning');
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('She opened');
    await tabTo(page, '#temperature');
    await page.keyboard.press('Home');
    expect(await page.locator('#temperature').getAttribute('aria-valuetext')).toContain('0.00');
    expect(await page.locator('#top-k').isDisabled()).toBe(true);
    await page.keyboard.press('End');
    await tabTo(page, '#top-k');
    await page.keyboard.press('Home');
    expect(await page.locator('#top-k').getAttribute('aria-valuetext')).toMatch(/^1:/);
    await tabTo(page, 'summary');
    await page.keyboard.press('Enter');
    await tabTo(page, '#length');
    await page.keyboard.press('Home');
    await tabTo(page, '.actions button');
    await page.keyboard.press('Enter');
    await ended(page);
    // Of one token to draw among, the greatest temperature leaves the most probable.
    const wanted = await inNode('She opened', { maxNewTokens: 10 });
    expect(await readText(page)).toBe(`She opened${wanted.text}`);

    await tabTo(page, '.token-text');
    await page.keyboard.press('End');
    const active = () =>
      page.locator('.token-text').evaluate((list) => {
        const option = document.getElementById(list.getAttribute('aria-activedescendant') ?? '');
        return option && `${option.textContent} ${option.getAttribute('aria-selected')}`;
      });
    const last = (await page.locator('.token-text [role=option]').allTextContents()).at(-1);
    expect(await active()).toBe(`${last} true`);
    await page.keyboard.press('ArrowLeft');
    expect(await active()).not.toBe(`${last} true`);
    const kept = await page.locator('.token-text [role=option]').count();
    await tabTo(page, 'button.candidate');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.locator('.token-text .picked').waitFor();
    await ended(page);
    expect(await page.locator('.token-text [role=option]').count()).toBeGreaterThanOrEqual(
      kept - 1,
    );
    expect(site.complaints).toEqual([]);
  });

  test('on a phone of 360 pixels nothing hangs over the edge, and fingers do', async () => {
    const page = await visit(phone);
    await set(page, { length: 60, pace: '30' }); // slowly enough to be seen at it
    expect(await widest(page)).toBe(360);
    await page.fill('#beginning', `${beginning} ${'x'.repeat(80)}`);
    await page.getByRole('button', { name: 'Write', exact: true }).click();
    await page.locator('.writing[aria-busy=true]').waitFor();
    expect(await widest(page)).toBe(360);
    await ended(page);
    expect(await widest(page)).toBe(360);
    // The text came into sight.
    const { y, height } = (await page.locator('.token-text').boundingBox())!;
    expect(y).toBeGreaterThanOrEqual(0);
    expect(y + Math.min(height, 200)).toBeLessThanOrEqual(640);
    const at = tokenizer.encodeIds(beginning).length - 1;
    await tokenAt(page, at).tap();
    expect(await page.locator('.lens').textContent()).toContain('It was given');
  });

  test.each(['light', 'dark'] as const)(
    'in %s, the text is legible on every colour',
    async (colorScheme) => {
      const page = await visit({ colorScheme });
      await set(page, { length: 10 });
      await write(page, beginning);
      const found = await page.locator('.degree').evaluateAll(contrasts);
      expect(found.length).toBe(5);
      expect(Math.min(...found)).toBeGreaterThan(4.5);
    },
  );

  test('under a sub-path, and from then on with the server gone', async () => {
    const deep = await site.serve('/some/where/');
    const page = await visit({}, deep.url);
    await set(page, { temperature: 0, length: 20 });
    await write(page, beginning);
    const online = await readText(page);
    await page.getByText('works offline').waitFor();
    expect(site.complaints).toEqual([]);
    await deep.close();
    await page.reload();
    await page.locator('[data-state=ready]').waitFor();
    await set(page, { temperature: 0, length: 20 });
    await write(page, beginning);
    expect(await readText(page)).toBe(online);
  });

  test('says what is wrong where the model cannot be fetched, and trying again helps', async () => {
    const page = await site.open();
    await page.route('**/models/**', (route) => route.abort('internetdisconnected'));
    await page.goto(`${site.url}#/write`);
    expect(await page.getByRole('alert').textContent()).toContain('could not be fetched');
    expect(await page.getByRole('button', { name: 'Write', exact: true }).isDisabled()).toBe(true);
    await page.unroute('**/models/**');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('[data-state=ready]').waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });
});

/** What comes after a beginning, through the packages. */
async function inNode(from: string | number[], options: GenerateOptions) {
  const given = typeof from === 'string' ? Array.from(tokenizer.encodeIds(from)) : from;
  const { generated, sequences, logits } = await generate(
    model,
    { inputIds: [given] },
    { ...options, outputLogits: true },
  );
  const text = tokenizer.decode(sequences[0]!, { skipSpecialTokens: true });
  const before = tokenizer.decode(given, { skipSpecialTokens: true });
  return {
    ids: sequences[0]!,
    text: text.slice(before.length),
    generated: generated[0]!,
    logits: logits![0]!,
  };
}

/** The page with its model; it writes as fast as it can. */
async function visit(options?: BrowserContextOptions, url = site.url): Promise<Page> {
  const page = await site.open(options);
  await page.goto(`${url}#/write`);
  await page.locator('[data-state=ready]').waitFor();
  await set(page, { pace: 'all' });
  return page;
}

const TOP_KS = [1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 0];

interface Wanted {
  temperature?: number;
  topK?: number;
  topP?: number;
  length?: number;
  seed?: number;
  pace?: string;
  onContextFull?: string;
}

async function set(page: Page, wanted: Wanted): Promise<void> {
  const { temperature, topK, topP, length, seed, pace, onContextFull } = wanted;
  await page.locator('.controls details').evaluate((details) => {
    (details as HTMLDetailsElement).open = true;
  });
  const slide = (id: string, value: number | undefined) =>
    value !== undefined && page.fill(`#${id}`, String(value));
  await slide('temperature', temperature);
  await slide('top-k', topK === undefined ? undefined : TOP_KS.indexOf(topK));
  await slide('top-p', topP);
  await slide('length', length);
  if (seed !== undefined) await page.getByLabel('Seed').fill(String(seed));
  if (pace !== undefined) await page.getByLabel('Pace').selectOption(pace);
  if (onContextFull !== undefined) {
    await page.getByLabel('When the context is full').selectOption(onContextFull);
  }
}

async function write(page: Page, text: string): Promise<void> {
  await page.fill('#beginning', text);
  await page.getByRole('button', { name: 'Write', exact: true }).click();
  await ended(page);
}

async function goOn(page: Page): Promise<void> {
  const before = await page.locator('.token-text [role=option]').count();
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.locator('.token-text [role=option]').nth(before).waitFor({ state: 'attached' });
  await ended(page);
}

async function ended(page: Page): Promise<void> {
  await page.locator('.writing[aria-busy=false]').waitFor({ timeout: 45_000 });
}

function tokenAt(page: Page, index: number) {
  return page.locator(`#written-${index} > span`);
}

/** What one would copy. */
async function readText(page: Page): Promise<string> {
  return (await page.locator('.token-text').textContent())!;
}

/** The ids of the first tokens, as the lens tells them. */
async function prefix(page: Page, count: number): Promise<number[]> {
  const ids: number[] = [];
  for (let i = 0; i < count; i++) {
    await tokenAt(page, i).hover();
    const told = await page.locator('.lens header small').textContent();
    ids.push(Number(told!.replace('id ', '')));
  }
  return ids;
}

async function readCandidates(page: Page) {
  return page.locator('.lens button.candidate').evaluateAll((rows) =>
    rows.map((row) => {
      const [model, drawn] = [...row.querySelectorAll('.percent')].map((cell) =>
        Number.parseFloat(cell.textContent!),
      );
      return {
        id: Number((row as HTMLElement).dataset.id),
        model: model!,
        drawn: Number.isNaN(drawn) ? undefined : drawn,
      };
    }),
  );
}
