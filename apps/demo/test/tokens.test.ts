import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadTokenizer, type Tokenizer } from '@multihead/tokenizers';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { examples } from '../src/tokens/examples.js';
import { shelf } from '../src/tokens/shelf.js';
import { contrasts, phone, widest } from './browser.js';
import { modelFolder } from './site.js';
import { onSite } from './suite.js';

const root = new URL('../../../', import.meta.url);
const folderOf = (folder: string) =>
  folder.includes('bert-mini-english') ? modelFolder : fileURLToPath(new URL(folder, root));
/** The tokenizers of the page, here in Node. */
const tokenizers = new Map<string, Tokenizer>();

const site = onSite('the page of tokens in Chromium', () => {
  beforeAll(async () => {
    for (const { id, folder } of shelf) tokenizers.set(id, await loadTokenizer(folderOf(folder)));
  });

  test('each example is cut into the tokens that the packages find in Node', async () => {
    const page = await visit();
    for (const { title, text } of examples) {
      await page.getByRole('button', { name: title, exact: true }).click();
      await settled(page, text);
      for (const [id, tokenizer] of tokenizers) await compare(page, id, tokenizer, text);
    }
    expect(site.complaints).toEqual([]);
  });

  test('while one types, the newest text is answered', async () => {
    const page = await visit();
    await write(page, '');
    await page.locator('#text').pressSequentially("It wasn't the whalers' 1,234.", { delay: 10 });
    await settled(page, "It wasn't the whalers' 1,234.");
    for (const [id, tokenizer] of tokenizers) {
      await compare(page, id, tokenizer, "It wasn't the whalers' 1,234.");
    }
    expect(site.complaints).toEqual([]);
  });

  test('a token under the pointer is told of, and its characters stand out everywhere', async () => {
    const page = await visit();
    const text = 'The ichthyologist spoke.';
    await write(page, text);
    const words = panel(page, 'words');
    await words.locator('.piece').nth(1).hover();
    const readout = await words.locator('.token-readout').textContent();
    const unknown = tokenizers.get('words')!.unkTokenId;
    expect(readout).toContain(`<unk> id ${unknown}`);
    expect(readout).toContain('offsets 4–17 “ichthyologist”');
    expect(readout).toContain('word 1');
    expect(readout).toContain('not in the vocabulary');
    for (const [id, tokenizer] of tokenizers) {
      const lit = await panel(page, id).locator('.cut.lit').allTextContents();
      expect(lit.join('').trim()).toBe('ichthyologist');
      const { tokens, offsets } = tokenizer.encode(text);
      const pieces = tokens.filter((_, i) => offsets[i]![0] < 17 && offsets[i]![1] > 4);
      expect(await panel(page, id).locator('.piece.lit').allTextContents()).toEqual(pieces);
    }
    expect(await panel(page, 'bpe').locator('.token-readout').textContent()).toContain('tokens: ');
  });

  test('presses on a character that tokens share go through them', async () => {
    const page = await visit();
    await write(page, 'so 😀');
    const bpe = panel(page, 'bpe');
    const emoji = bpe.locator('.cut').last();
    const readout = bpe.locator('.token-readout');
    await emoji.hover();
    for (const byte of ['F0', '9F', '98', '80', 'F0']) {
      expect(await readout.textContent()).toMatch(new RegExp(`bytes ${byte}$`));
      await emoji.click();
    }
  });

  test('what would not be seen has a sign, and what is copied is the text', async () => {
    const page = await visit();
    const text = 'a\tb\u00a0c\u200bd\n e';
    await write(page, text);
    const bpe = panel(page, 'bpe').locator('.colored-text');
    expect(await bpe.textContent()).toBe(text);
    const signs = await bpe
      .locator('.mark')
      .evaluateAll((marks) => marks.map((mark) => (mark as HTMLElement).dataset.sign));
    expect(signs).toEqual(['→', 'U+00A0', 'U+200B', '↵', '·']);
  });

  test('the decoded text shows what was lost', async () => {
    const page = await visit();
    await write(page, 'Whales swim.');
    expect(await panel(page, 'bpe').locator('.back').textContent()).toContain('the text again');
    const changes = panel(page, 'word-piece').locator('.changes');
    expect(await changes.locator('del').allTextContents()).toEqual(['Whales']);
    expect(await changes.locator('ins').allTextContents()).toEqual(['whales']);
  });

  test('a megabyte is cut, the beginning of it shown, and the page goes on answering', async () => {
    const page = await visit();
    const line = 'We whalers met 12 ships, and 👩‍👧 none of them foundered. ';
    const text = line.repeat(Math.ceil(1e6 / line.length));
    await paste(page, text);
    await page.getByText('Too long to show').waitFor({ timeout: 45_000 });
    for (const [id, tokenizer] of tokenizers) {
      const count = tokenizer.encodeIds(text).length.toLocaleString('en');
      expect(await panel(page, id).locator('.counts').textContent()).toContain(`${count} tokens`);
      const shown = await panel(page, id).locator('.colored-text').textContent();
      expect(shown!.length).toBeLessThanOrEqual(2000);
      expect(text.startsWith(shown!)).toBe(true);
    }
    expect((await page.inputValue('#text')).length).toBeLessThan(20_000);
    await page.getByRole('button', { name: 'Write another text' }).click();
    await write(page, 'short again');
    await compare(page, 'bpe', tokenizers.get('bpe')!, 'short again');
    expect(site.complaints).toEqual([]);
  });

  describe("the visitor's own tokenizer", () => {
    test('is read from files, cuts like the others, and can be removed', async () => {
      const page = await visit();
      const folder = folderOf('models/bpe-english');
      await page.setInputFiles('#own-files', [`${folder}/vocab.json`, `${folder}/merges.txt`]);
      const own = panel(page, 'own-0');
      await own.locator('.colored-text').waitFor();
      expect(await own.locator('h3').textContent()).toContain('vocab.json, merges.txt');
      await write(page, 'The whalers returned.');
      await compare(page, 'own-0', tokenizers.get('bpe')!, 'The whalers returned.');
      await own.getByRole('button', { name: 'Remove' }).click();
      expect(await own.count()).toBe(0);
      expect(site.complaints).toEqual([]);
    });

    test('is taken when it is dropped', async () => {
      const page = await visit();
      await drop(page, 'my-words.txt', '<unk>\n<eos>\nthe\nwhale\n');
      const own = panel(page, 'own-0');
      await own.locator('.colored-text').waitFor();
      await write(page, 'the whale swam');
      expect(await own.locator('.piece').allTextContents()).toEqual(['the', 'whale', '<unk>']);
    });

    test.each([
      ['photo.png', 'x', 'No tokenizer is among these files'],
      ['tokenizer.json', '{"model":{"type":"Unigram"}}', 'something that is not supported'],
      ['tokenizer.json', 'not JSON', 'not a tokenizer’s file'],
      ['vocab.json', '{"a":0}', 'A file is missing'],
    ])('%s with %s is refused in words that help', async (name, content, title) => {
      const page = await visit();
      await drop(page, name, content);
      expect(await page.getByRole('alert').textContent()).toContain(title);
      await write(page, 'all goes on');
      await compare(page, 'bpe', tokenizers.get('bpe')!, 'all goes on');
      expect(site.complaints).toEqual([]);
    });
  });

  test('everything can be worked with the keyboard alone', async () => {
    const page = await visit();
    await write(page, 'The whalers returned.');
    const { tokens, ids } = tokenizers.get('word-piece')!.encode('The whalers returned.');
    await page.locator('#text').focus();
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press('Tab');
      if (await page.evaluate(() => document.activeElement?.matches('.pieces'))) break;
    }
    const wordPiece = panel(page, 'word-piece');
    const readout = wordPiece.locator('.token-readout');
    const active = () =>
      wordPiece.locator('.pieces').evaluate((list) => {
        const option = document.getElementById(list.getAttribute('aria-activedescendant') ?? '');
        return option && `${option.textContent} ${option.getAttribute('aria-selected')}`;
      });
    for (const [i, token] of tokens.entries()) {
      await page.keyboard.press('ArrowRight');
      expect(await active()).toBe(`${token} true`);
      expect(await readout.textContent()).toContain(`${token} id ${ids[i]}`);
    }
    await page.keyboard.press('Home');
    expect(await active()).toBe('[CLS] true');
    expect(await readout.textContent()).toContain('put around the text');
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowLeft');
    expect(await active()).toBe('. true');
    await page.keyboard.press('Escape');
    expect(await active()).toBeNull();
    expect(await page.locator('.lit').count()).toBe(0);
    expect(site.complaints).toEqual([]);
  });

  test('the tokens can be listed by their ids', async () => {
    const page = await visit();
    await write(page, 'The whalers returned.');
    await page.getByRole('switch').check();
    const ids = await panel(page, 'bpe').locator('.piece').allTextContents();
    expect(ids.map(Number)).toEqual(tokenizers.get('bpe')!.encode('The whalers returned.').ids);
  });

  test('on a phone of 360 pixels nothing hangs over the edge', async () => {
    const page = await visit(phone);
    for (const text of [...examples.map((example) => example.text), 'x'.repeat(500)]) {
      await write(page, text);
      expect(await widest(page)).toBe(360);
    }
    await write(page, 'The whalers returned.');
    await panel(page, 'bpe').locator('.cut').first().tap();
    const { ids } = tokenizers.get('bpe')!.encode('The whalers returned.');
    const readout = panel(page, 'bpe').locator('.token-readout');
    expect(await readout.textContent()).toContain(`The id ${ids[0]}`);
  });

  test.each(['light', 'dark'] as const)(
    'in %s, the text is legible on every colour',
    async (mode) => {
      const page = await visit({ colorScheme: mode });
      await write(page, 'One two three four five six seven.');
      const found = await panel(page, 'bpe').locator('.cut').evaluateAll(contrasts);
      expect(found.length).toBeGreaterThan(5);
      expect(Math.min(...found)).toBeGreaterThan(4.5);
    },
  );

  test('works with the server gone, and says so where the tokenizers cannot be fetched', async () => {
    const own = await site.serve('/some/where/');
    const page = await visit({}, own.url);
    await page.getByText('works offline').waitFor();
    await own.close();
    await page.reload();
    await write(page, 'The whalers returned.');
    await compare(page, 'bpe', tokenizers.get('bpe')!, 'The whalers returned.');

    const other = await site.open();
    await other.route('**/models/**', (route) => route.abort('internetdisconnected'));
    await other.goto(`${site.url}#/tokens`);
    expect(await other.getByRole('alert').textContent()).toContain('could not be fetched');
    await other.unroute('**/models/**');
    await other.getByRole('button', { name: 'Try again' }).click();
    await settled(other);
    expect(await other.getByRole('alert').count()).toBe(0);
  });
});

/** What the page shows of a text with one tokenizer is what the tokenizer says in Node. */
async function compare(page: Page, id: string, tokenizer: Tokenizer, text: string): Promise<void> {
  const { tokens, offsets, specialTokensMask } = tokenizer.encode(text);
  const one = panel(page, id);
  expect(await one.locator('.piece').allTextContents()).toEqual(tokens);
  expect(await one.locator('.colored-text').textContent()).toBe(text);
  // Each stretch of colour begins and ends where a token does.
  const bounds = new Set([0, text.length]);
  for (const [i, [start, end]] of offsets.entries()) {
    if (!specialTokensMask[i]) bounds.add(start).add(end);
  }
  const stretches = await one.locator('.cut').allTextContents();
  const ends = stretches.map((_, i) => stretches.slice(0, i + 1).join('').length);
  expect([0, ...ends]).toEqual([...bounds].sort((a, b) => a - b));
  const back = tokenizer.decode(tokenizer.encodeIds(text, { addSpecialTokens: false }));
  expect(await one.locator('.changes').count()).toBe(back === text ? 0 : 1);
}

function panel(page: Page, id: string) {
  return page.locator(`[data-tokenizer="${id}"]`);
}

/** The page with its first answer. */
async function visit(options?: BrowserContextOptions, url = site.url): Promise<Page> {
  const page = await site.open(options);
  await page.goto(`${url}#/tokens`);
  await settled(page);
  return page;
}

/** Waits until what is shown answers what is written. */
async function settled(page: Page, text?: string): Promise<void> {
  if (text !== undefined) {
    await page.waitForFunction(
      (wanted) => document.querySelector<HTMLTextAreaElement>('#text')?.value === wanted,
      text,
    );
  }
  await page.locator('.results:not(.stale) .colored-text').first().waitFor({ state: 'attached' });
}

async function write(page: Page, text: string): Promise<void> {
  await page.fill('#text', text);
  await settled(page, text);
}

async function paste(page: Page, text: string): Promise<void> {
  await page.locator('#text').evaluate((field: HTMLTextAreaElement, pasted) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', pasted);
    field.select();
    const init = { clipboardData, bubbles: true, cancelable: true };
    field.dispatchEvent(new ClipboardEvent('paste', init));
  }, text);
}

async function drop(page: Page, name: string, content: string): Promise<void> {
  await page.evaluate(
    ([name, content]) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([content!], name!));
      const init = { dataTransfer, bubbles: true, cancelable: true };
      document.body.dispatchEvent(new DragEvent('dragover', init));
      document.body.dispatchEvent(new DragEvent('drop', init));
    },
    [name, content],
  );
}
