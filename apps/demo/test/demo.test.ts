import { beforeAll, describe, expect, test } from '@jest/globals';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { phone, tabTo, widest } from './browser.js';
import { type Expected, inNode } from './site.js';
import { onSite } from './suite.js';

const sentence = 'The captain stood on the [MASK] of the ship.';

const site = onSite('the built site in Chromium', () => {
  describe('a sentence with a blank', () => {
    let expected: Expected;
    let page: Page;
    beforeAll(async () => {
      expected = await inNode(sentence);
    });

    test('gets the words that the packages find in Node, likeliest first', async () => {
      page = await visit(site.url);
      await write(page, sentence);
      const [guesses] = await readGuesses(page);
      const [best] = expected.blanks;
      const probabilities = guesses!.map(({ probability }) => probability);
      expect(guesses!.slice(0, 5).map(({ token }) => token)).toEqual(
        best!.slice(0, 5).map(({ token }) => token),
      );
      for (const [i, probability] of probabilities.entries()) {
        expect(probability).toBeCloseTo(best![i]!.probability, 4);
      }
      expect(probabilities).toEqual([...probabilities].sort((a, b) => b - a));
      expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeLessThanOrEqual(1);
      expect(await page.locator('.token').allTextContents()).toEqual(expected.tokens);
      expect(site.complaints).toEqual([]);
    });

    test('shows the attention of any layer and head', async () => {
      page = await visit(site.url);
      await write(page, sentence);
      await page.getByText('As a table of numbers').click();
      const layers = expected.attentions.length;
      for (const [layer, head] of [
        [layers - 1, 'mean'],
        [0, 1],
        [layers - 1, 0],
      ] as const) {
        await page.getByLabel('Layer').selectOption(String(layer));
        await page.getByLabel('Head').selectOption(String(head));
        const heads = expected.attentions[layer]!;
        const wanted = head === 'mean' ? mean(heads) : heads[head]!;
        const shown = await readTable(page);
        expect(shown.length).toBe(wanted.length);
        for (const [row, columns] of wanted.entries()) {
          for (const [column, weight] of columns.entries()) {
            expect(Math.abs(shown[row]![column]! - weight * 100)).toBeLessThan(0.06);
          }
          const sum = shown[row]!.reduce((total, percent) => total + percent, 0);
          expect(Math.abs(sum - 100)).toBeLessThan(0.05 * columns.length + 0.01);
        }
      }
      expect(site.complaints).toEqual([]);
    });

    test('the square under the pointer is read out', async () => {
      page = await visit(site.url);
      await write(page, sentence);
      await page.getByLabel('Layer').selectOption('0');
      await page.getByLabel('Head').selectOption('0');
      const [row, column] = [2, 4];
      const canvas = page.locator('canvas');
      const side = (await canvas.boundingBox())!.width / expected.tokens.length;
      await canvas.hover({ position: { x: (column + 0.5) * side, y: (row + 0.5) * side } });
      const percent = (expected.attentions[0]![0]![row]![column]! * 100).toFixed(1);
      expect(await page.textContent('.readout-cell')).toBe(
        `“${expected.tokens[row]}” looks at “${expected.tokens[column]}” ${percent} %`,
      );
    });
  });

  test('of several blanks each has its guesses, and a click fills the one it belongs to', async () => {
    const page = await visit(site.url);
    const text = 'The [MASK] of the [MASK] was long.';
    await write(page, text);
    const { blanks } = await inNode(text);
    const guesses = await readGuesses(page);
    expect(guesses.map((words) => words[0]!.token)).toEqual(blanks.map((words) => words[0]!.token));
    const whole = guesses[1]!.findIndex(({ token }) => !token.startsWith('##'));
    await page.locator('.blank').nth(1).locator('.guess').nth(whole).click();
    const filled = `The [MASK] of the ${guesses[1]![whole]!.token} was long.`;
    expect(await page.inputValue('#sentence')).toBe(filled);
    await settled(page, filled);
    expect(await page.locator('.blank').count()).toBe(1);
    expect(site.complaints).toEqual([]);
  });

  test('a click on a token makes its word a blank, and a button puts one in', async () => {
    const page = await visit(site.url);
    await write(page, 'Peace is near.');
    await page.getByRole('button', { name: 'near', exact: true }).click();
    await settled(page, 'Peace is [MASK].');
    await page.locator('#sentence').press('Home');
    await page.getByRole('button', { name: 'Insert a blank' }).click();
    await settled(page, '[MASK]Peace is [MASK].');
  });

  test('while one types, the newest text is answered', async () => {
    const page = await visit(site.url);
    await write(page, '');
    await page.locator('#sentence').pressSequentially('the whale and the [MASK]', { delay: 25 });
    await settled(page, 'the whale and the [MASK]');
    const tokens = await page.locator('.token').allTextContents();
    expect(tokens).toEqual((await inNode('the whale and the [MASK]')).tokens);
    expect(site.complaints).toEqual([]);
  });

  test('says so when the text has no blank, is empty or too long', async () => {
    const page = await visit(site.url);
    const note = page.locator('#sentence-note');
    await write(page, 'No blank in here.');
    expect(await note.textContent()).toContain('No blank yet');
    await write(page, ' ');
    expect(await note.textContent()).toContain('Write a sentence');
    await write(page, `${'word '.repeat(300)}[MASK]`);
    expect(await note.textContent()).toContain('Too long');
    await write(page, sentence);
    expect(await note.textContent()).toBe('');
    expect(site.complaints).toEqual([]);
  });

  test('everything can be reached and worked with the keyboard alone', async () => {
    const page = await visit(site.url);
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    await tabTo(page, '#sentence');
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('The [MASK] is near.');
    await settled(page, 'The [MASK] is near.');

    await tabTo(page, '.guess');
    await page.keyboard.press('Enter');
    await settled(page);
    expect(await page.inputValue('#sentence')).not.toContain('[MASK]');

    await tabTo(page, 'button.token');
    await page.keyboard.press('Space');
    await settled(page);
    expect(await page.inputValue('#sentence')).toContain('[MASK]');

    await tabTo(page, 'select');
    const layer = page.getByLabel('Layer');
    const before = Number(await layer.inputValue());
    await page.keyboard.press('ArrowUp');
    expect(Number(await layer.inputValue())).toBe(before - 1);

    await tabTo(page, '.heat-map');
    const readout = page.locator('.readout-cell');
    const tokens = await page.locator('.token').allTextContents();
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    expect(await readout.textContent()).toContain(`looks at “${tokens[1]}”`);
    for (const _ of tokens) await page.keyboard.press('ArrowUp');
    expect(await readout.textContent()).toMatch(/^“\[CLS\]” looks at/);
    await page.keyboard.press('End');
    expect(await readout.textContent()).toContain('looks at “[SEP]”');
    expect(site.complaints).toEqual([]);
  });

  test('on a phone of 360 pixels nothing hangs over the edge', async () => {
    const page = await visit(site.url, phone);
    for (const text of [sentence, `${'a very long sentence '.repeat(8)}[MASK] [MASK]`]) {
      await write(page, text);
      expect(await widest(page)).toBe(360);
    }
    await page.getByText('As a table of numbers').click();
    expect(await widest(page)).toBe(360);
    await page.goto(`${site.url}#/about`);
    await page.getByRole('heading', { name: 'About' }).waitFor();
    expect(await widest(page)).toBe(360);
  });

  test('dark and light go with the system, the attention included', async () => {
    const page = await visit(site.url, { colorScheme: 'dark' });
    await write(page, sentence);
    const brightness = async () => {
      // The squares are drawn anew after the next frame.
      await page.evaluate(() => new Promise((done) => setTimeout(done, 100)));
      return page.evaluate(() => {
        const sum = (rgb: ArrayLike<number>) => rgb[0]! + rgb[1]! + rgb[2]!;
        const canvas = document.querySelector('canvas')!;
        const pixels = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
        let total = 0;
        for (let i = 0; i < pixels.data.length; i += 4) total += sum(pixels.data.slice(i, i + 3));
        const color = getComputedStyle(document.documentElement).backgroundColor;
        const background = color.match(/\d+/g)!.map(Number);
        return { page: sum(background), squares: total / (pixels.data.length / 4) };
      });
    };
    const dark = await brightness();
    await page.emulateMedia({ colorScheme: 'light' });
    const light = await brightness();
    expect(dark.page).toBeLessThan(150);
    expect(light.page).toBeGreaterThan(700);
    expect(dark.squares).toBeLessThan(light.squares - 200);
  });

  test('moves nothing where less motion is asked for', async () => {
    const page = await visit(site.url, { reducedMotion: 'reduce' });
    await write(page, sentence);
    const durations = await page.evaluate(() => [
      getComputedStyle(document.querySelector('.bar')!, '::after').transitionDuration,
      getComputedStyle(document.querySelector('.results')!).transitionDuration,
    ]);
    expect(durations).toEqual(['0s', '0s']);
  });

  test('the pages have addresses, and an unknown one leads to the first', async () => {
    const page = await visit(site.url);
    await page.getByRole('link', { name: 'About' }).click();
    await page.getByRole('heading', { level: 1, name: 'About' }).waitFor();
    expect(page.url()).toBe(`${site.url}#/about`);
    expect(await page.title()).toBe('About · multihead');
    await page.goBack();
    await settled(page);
    await page.goto(`${site.url}#/no-such-page`);
    await page.getByRole('heading', { level: 1, name: 'Fill in the blank' }).waitFor();
    expect(site.complaints).toEqual([]);
  });

  test('under a sub-path, and from then on with the server gone', async () => {
    const deep = await site.serve('/some/where/');
    const page = await visit(deep.url);
    await write(page, sentence);
    const [online] = await readGuesses(page);
    await page.getByText('works offline').waitFor();
    expect(site.complaints).toEqual([]);

    await deep.close();
    await expect(fetch(deep.url)).rejects.toThrow();
    await page.reload();
    await write(page, sentence);
    expect(await readGuesses(page)).toEqual([online]);
    await page.getByRole('link', { name: 'About' }).click();
    await page.getByRole('heading', { level: 1, name: 'About' }).waitFor();
    // The attempt to fetch a newer page is the one thing that may fail.
    expect(
      site.complaints.filter((complaint) => !complaint.includes('ERR_CONNECTION_REFUSED')),
    ).toEqual([]);
  });

  describe('says what is wrong, in words that help', () => {
    test('a web page in place of the model', async () => {
      const page = await site.open();
      await page.route('**/model.safetensors', (route) =>
        route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>Log in</title>' }),
      );
      await page.goto(site.url);
      expect(await page.getByRole('alert').textContent()).toContain('files are not there');
    });

    test('no connection on the first visit; and trying again helps once it is there', async () => {
      const page = await site.open();
      await page.route('**/models/**', (route) => route.abort('internetdisconnected'));
      await page.goto(site.url);
      expect(await page.getByRole('alert').textContent()).toContain('could not be fetched');
      await page.unroute('**/models/**');
      await page.getByRole('button', { name: 'Try again' }).click();
      await settled(page);
      expect(await page.getByRole('alert').count()).toBe(0);
    });

    test('a damaged model', async () => {
      const page = await site.open();
      await page.route('**/model.safetensors', (route) =>
        route.fulfill({ contentType: 'application/octet-stream', body: 'not a model at all' }),
      );
      await page.goto(site.url);
      expect(await page.getByRole('alert').textContent()).toContain('The model arrived damaged');
    });

    test('a browser without WebAssembly SIMD', async () => {
      const page = await site.open();
      await page.route('**/worker-*.js', async (route) => {
        const response = await route.fetch();
        const body = `WebAssembly.validate = () => false;${await response.text()}`;
        await route.fulfill({ response, body });
      });
      await page.goto(site.url);
      const alert = await page.getByRole('alert').textContent();
      expect(alert).toContain('This browser cannot run the model');
      expect(alert).toContain('WASM_UNSUPPORTED');
    });

    test('a worker that does not start', async () => {
      const page = await site.open();
      await page.route('**/worker-*.js', (route) => route.abort());
      await page.goto(site.url);
      expect(await page.getByRole('alert').textContent()).toContain('could not be fetched');
    });
  });
});

/** The page with its first answer. */
async function visit(url: string, options?: BrowserContextOptions): Promise<Page> {
  const page = await site.open(options);
  await page.goto(url);
  await settled(page);
  return page;
}

/** Waits until what is shown answers what is written. */
async function settled(page: Page, text?: string): Promise<void> {
  if (text !== undefined) {
    await page.waitForFunction(
      (wanted) => document.querySelector<HTMLTextAreaElement>('#sentence')?.value === wanted,
      text,
    );
  }
  await page.locator('.results:not(.stale)').waitFor();
}

async function write(page: Page, text: string): Promise<void> {
  await page.fill('#sentence', text);
  await settled(page, text);
}

async function readGuesses(page: Page): Promise<{ token: string; probability: number }[][]> {
  return page.locator('.blank').evaluateAll((blanks) =>
    blanks.map((blank) =>
      [...blank.querySelectorAll<HTMLElement>('.guess')].map(({ dataset }) => ({
        token: dataset.token!,
        probability: Number(dataset.probability),
      })),
    ),
  );
}

async function readTable(page: Page): Promise<number[][]> {
  return page
    .locator('.numbers tbody tr')
    .evaluateAll((rows) =>
      rows.map((row) => [...row.querySelectorAll('td')].map((cell) => Number(cell.textContent))),
    );
}

function mean(heads: number[][][]): number[][] {
  return heads[0]!.map((row, i) =>
    row.map((_, j) => heads.reduce((sum, head) => sum + head[i]![j]!, 0) / heads.length),
  );
}
