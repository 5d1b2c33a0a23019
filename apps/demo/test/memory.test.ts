import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TransfoXLTokenizer } from '@multihead/tokenizers';
import { TransfoXLLMHeadModel } from '@multihead/transformer-xl';
import { useWasm } from '@multihead/wasm';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { examples } from '../src/memory/examples.js';
import { MEMORIES, MOST_TOKENS, SEGMENT } from '../src/memory/protocol.js';
import { turnOf } from '../src/memory/wording.js';
import { contrasts, phone, tabTo, widest } from './browser.js';
import { transformerXLFolder } from './site.js';
import { onSite } from './suite.js';

/** Three segments and a bit. */
const passage = examples[0]!.text.split(' ').slice(0, 95).join(' ');
/** The model of the page, here in Node and with plain SIMD. */
let model: TransfoXLLMHeadModel;
let tokenizer: TransfoXLTokenizer;

const site = onSite('the page that remembers in Chromium', () => {
  beforeAll(async () => {
    await useWasm({ variant: 'simd' });
    tokenizer = await TransfoXLTokenizer.fromPretrained(transformerXLFolder);
    model = await TransfoXLLMHeadModel.fromPretrained(transformerXLFolder);
  });
  afterAll(() => model?.dispose());

  test('with each length of memory it is as surprised as the packages are in Node', async () => {
    const page = await visit();
    await write(page, passage);
    const ids = idsOf(passage);
    for (const memory of [0, 32, 512]) {
      await remember(page, memory);
      const wanted = inNode(ids, memory);
      const bits = await readBits(page);
      expect(bits.length).toBe(wanted.length);
      for (const [i, one] of bits.entries()) expect(Math.abs(one - wanted[i]!)).toBeLessThan(0.06);
      const perplexity = 2 ** (wanted.reduce((sum, one) => sum + one, 0) / wanted.length);
      const told = await page.locator('.figures [role=status] strong').first().textContent();
      expect(Math.abs(numberOf(told) / perplexity - 1)).toBeLessThan(0.01);
    }
    // All read at once, and nothing is remembered: what a memory of everything amounts to.
    const whole = { inputIds: [ids.slice(0, -1)], targets: [ids.slice(1)] };
    using outputs = model.forward(whole, { memLen: 0, sameLength: false });
    const losses = outputs.losses!.dataSync<'float32'>();
    for (const [i, one] of (await readBits(page)).entries()) {
      expect(Math.abs(one - losses[i]! / Math.LN2)).toBeLessThan(0.06);
    }
    expect(site.complaints).toEqual([]);
  });

  test('tells which tokens memory changed most, and of each what it costs', async () => {
    const page = await visit();
    await write(page, passage);
    await remember(page, 64);
    const [without, withMemory] = [0, 64].map((memory) => inNode(idsOf(passage), memory));
    const gains = without!.map((bits, i) => bits - withMemory![i]!);
    for (const bits of await page.locator('.change .bits').allTextContents()) {
      const [from, to] = bits.split('→').map(Number.parseFloat);
      const near = gains.some((gain) => Math.abs(from! - to! - gain) < 0.2);
      expect(near && Math.abs(from! - to!) > 0.4).toBe(true);
    }
    const index = gains.indexOf(Math.max(...gains));
    const [from, to] = [without![index]!, withMemory![index]!].map((bits) => bits.toFixed(1));
    await page
      .locator('.change')
      .filter({ hasText: `${from} → ${to}` })
      .first()
      .click();
    const chosen = page.locator('.token-text [aria-selected=true]');
    expect(await chosen.getAttribute('id')).toBe(`read-${index}`);
    const lens = page.locator('#memory-lens');
    expect(await lens.textContent()).toContain(`token ${index + 1} of ${gains.length}`);
    for (const [i, memory] of MEMORIES.entries()) {
      const told = await lens.locator('button .percent').nth(i).textContent();
      const bits = inNode(idsOf(passage), memory)[index]!;
      expect(Math.abs(numberOf(told) - bits)).toBeLessThan(0.06);
    }
    // The lens sets the slider too.
    await lens.locator('button').first().click();
    expect(await page.inputValue('#memory')).toBe('0');
    expect(await page.getByText('Nothing yet').count()).toBe(1);
    expect(site.complaints).toEqual([]);
  });

  test('colours the text by the change against no memory, if one likes', async () => {
    const page = await visit();
    await write(page, passage);
    await remember(page, 64);
    await page.getByLabel('change against no memory').check();
    const [without, withMemory] = [0, 64].map((memory) => inNode(idsOf(passage), memory));
    const shown = await page
      .locator('.token-text [role=option]')
      .evaluateAll((all) =>
        all.map((one) => [
          one.getAttribute('aria-label')!,
          /change-(\d)/.exec(one.lastElementChild!.className)![1]!,
        ]),
      );
    expect(shown.length).toBe(without!.length);
    for (const [i, [label, degree]] of shown.entries()) {
      const change = withMemory![i]! - without![i]!;
      const told = /bits, [−+±]([\d.]+) against no memory$/.exec(label!)![1]!;
      expect(Math.abs(Number(told) - Math.abs(change))).toBeLessThan(0.06);
      const near = [change - 0.01, change + 0.01].map((one) => String(turnOf(one)));
      expect(near).toContain(degree);
    }
    await remember(page, 0);
    await page.locator('.change-2').nth(50).waitFor();
    expect(await page.locator('.token-text :is(.change-0, .change-4)').count()).toBe(0);
    expect(site.complaints).toEqual([]);
  });

  test('shows what is looked at on both sides of the border, by any layer and head', async () => {
    const page = await visit();
    await write(page, passage);
    await remember(page, 32);
    const index = 2 * SEGMENT + 6;
    await tokenAt(page, index).click();
    const foretold = page.locator('.foretold b');
    await page.locator(`.results:not(.stale) > section[data-token="${index}"]`).waitFor();
    const { tokens } = tokenizer.encode(passage);
    expect(await foretold.textContent()).toBe(tokens[index]);

    const ids = idsOf(passage);
    const attentions = attentionsInNode(ids, 32, 2);
    const rowOf = (layer: number, head: number) => attentions[layer]![head]![6]!;
    for (const [layer, head] of [
      [0, 1],
      [attentions.length - 1, 0],
    ] as const) {
      const cell = page.getByRole('button', { name: `Layer ${layer + 1}, head ${head + 1}:` });
      await cell.click();
      const wanted = rowOf(layer, head);
      const across = wanted.slice(0, 32).reduce((sum, weight) => sum + weight, 0);
      expect(Number(await cell.textContent())).toBeCloseTo(across * 100, -0.1);
      const readout = await page.locator('#crossing ~ .readout strong').first().textContent();
      expect(Math.abs(numberOf(readout) - across * 100)).toBeLessThan(0.1);
      const parts = page.locator('.looked');
      for (const [part, weights] of [wanted.slice(0, 32), wanted.slice(32, 39)].entries()) {
        const shown = await parts
          .nth(part)
          .locator('.looked-token')
          .evaluateAll((all) => all.map((one) => one.getAttribute('title')));
        expect(shown.length).toBe(weights.length);
        for (const [i, one] of shown.entries()) {
          expect(Math.abs(numberOf(one) - weights[i]! * 100)).toBeLessThan(0.1);
        }
      }
      // An arc for each that can be seen, those over the border marked.
      const drawn = wanted.slice(0, 39).map((weight) => Math.sqrt(weight / Math.max(...wanted)));
      const clear = (some: number[]) => some.filter((one) => one > 0.051).length;
      const visible = (some: number[]) => some.filter((one) => one > 0.049).length;
      const crossing = await page.locator('.arcs path.across').count();
      expect(crossing).toBeGreaterThanOrEqual(clear(drawn.slice(0, 32)));
      expect(crossing).toBeLessThanOrEqual(visible(drawn.slice(0, 32)));
      expect(await page.locator('.arcs-border').count()).toBe(1);
      const most = await page.locator('.strongest .percent').first().textContent();
      expect(Math.abs(numberOf(most) - Math.max(...wanted) * 100)).toBeLessThan(0.1);
    }
    await remember(page, 0);
    await page.getByText('Memory: none').waitFor();
    expect(await page.locator('.looked').first().textContent()).toBe('');
    expect(site.complaints).toEqual([]);
  });

  describe('the race', () => {
    test('both foretell the same tokens, as the packages do in Node', async () => {
      const page = await visit();
      await write(page, passage);
      await page.getByLabel('Each token sees').selectOption('32');
      await page.getByRole('button', { name: 'Race', exact: true }).click();
      await page.getByText('Finished').waitFor({ timeout: 45_000 });
      const ids = idsOf(passage);
      const tokens = ids.length - 1 - 32;
      let nats = 0;
      for (let at = 32; at < ids.length - 1; at++) {
        const inputs = { inputIds: [ids.slice(at - 31, at + 1)], targets: [[ids[at + 1]!]] };
        using outputs = model.forward(inputs, { memLen: 0, sameLength: false });
        nats += outputs.loss!.dataSync()[0]!;
      }
      const lanes = page.locator('.lane');
      for (const lane of await lanes.all()) {
        expect(await lane.locator('progress').getAttribute('value')).toBe(String(tokens));
        expect(await lane.textContent()).toMatch(/[\d,.]+ tokens a second/);
      }
      const told = /perplexity ([\d,.]+)/.exec((await lanes.nth(1).textContent())!)![1];
      expect(Math.abs(numberOf(told!) / Math.exp(nats / tokens) - 1)).toBeLessThan(0.05);
      expect(await page.locator('.ratio b').textContent()).toMatch(/^[\d,.]+×$/);
      expect(site.complaints).toEqual([]);
    });

    test('runs as one watches, stops at once, and begins anew', async () => {
      const page = await visit();
      await page.getByLabel('Each token sees').selectOption('128');
      const window = page.locator('.lane progress').nth(1);
      const done = async () => Number(await window.getAttribute('value'));
      await page.getByRole('button', { name: 'Race', exact: true }).click();
      await page.waitForFunction(
        () => Number(document.querySelectorAll('.lane progress')[1]?.getAttribute('value')) > 2,
      );
      // The rest of the page goes on answering meanwhile.
      await tokenAt(page, 50).click();
      await page.locator('section[data-token="50"]').waitFor();
      await page.getByRole('button', { name: 'Stop' }).click();
      await page.getByText('Stopped after').waitFor();
      const stopped = await done();
      await page.waitForTimeout(300);
      expect(await done()).toBe(stopped);
      await page.getByRole('button', { name: 'Race', exact: true }).click();
      await page.getByText('Racing').waitFor();
      // Another text ends it.
      await write(page, passage);
      expect(await page.locator('.lane').count()).toBe(0);
      expect(site.complaints).toEqual([]);
    });

    test('takes a text that is long enough', async () => {
      const page = await visit();
      await write(page, passage);
      const lengths = page.getByLabel('Each token sees').locator('option');
      expect(await lengths.nth(2).isDisabled()).toBe(true);
      expect(await lengths.nth(1).isDisabled()).toBe(false);
      await write(page, 'The whale swam.');
      expect(await page.getByText('too short for a race').count()).toBe(1);
      expect(await page.getByRole('button', { name: 'Race', exact: true }).count()).toBe(0);
    });
  });

  test('while one types, the newest text is answered', async () => {
    const page = await visit();
    await page.fill('#passage', '');
    const written = 'The captain of the ship looked at the sea';
    await page.locator('#passage').pressSequentially(written, { delay: 60 });
    await settled(page, written);
    const wanted = inNode(idsOf(written), 128);
    const bits = await readBits(page);
    expect(bits.length).toBe(wanted.length);
    for (const [i, one] of bits.entries()) expect(Math.abs(one - wanted[i]!)).toBeLessThan(0.06);
    expect(site.complaints).toEqual([]);
  });

  test('says what it can do with a text that is empty, unknown, short or too long', async () => {
    const page = await visit();
    const note = page.locator('#passage-note');
    for (const nothing of ['', ' \n']) {
      await page.fill('#passage', nothing);
      await page.getByText('Write or paste a text').waitFor();
      await page.locator('.token-text').waitFor({ state: 'detached' });
    }
    await write(page, 'The zyzzyva and the quokkas.');
    expect(await note.textContent()).toContain('2 are not in the vocabulary');
    expect(await note.textContent()).toContain('nothing to remember yet');
    expect(await page.locator('.token-text .unknown').allTextContents()).toEqual([
      'zyzzyva',
      'quokkas',
    ]);
    await page.fill('#passage', 'the ship and '.repeat(1000));
    await page.getByText('Too long').waitFor({ timeout: 45_000 });
    expect(await note.textContent()).toContain(
      'Too long: of 3,000 tokens the first 1,500 are read',
    );
    expect(await page.locator('.token-text [role=option]').count()).toBe(MOST_TOKENS);
    await write(page, passage);
    expect(await note.textContent()).toContain('segments.');
    expect(await page.getByRole('alert').count()).toBe(0);
    expect(site.complaints).toEqual([]);
  });

  test('the copied text is the text, and the borders stand where segments begin', async () => {
    const page = await visit();
    const text = `  ${passage}\n\nA second — paragraph.  `;
    await write(page, text);
    expect(await page.locator('.token-text').textContent()).toBe(text);
    const borders = page.locator('.token-text [data-border]');
    const ids = await borders.evaluateAll((all) => all.map(({ id }) => id));
    expect(ids).toEqual(ids.map((_, i) => `read-${(i + 1) * SEGMENT - 1}`));
    expect(await borders.first().getAttribute('data-border')).toBe('2');
  });

  test('a page that is left while it computes leaves no worker behind', async () => {
    const page = await visit();
    await page.getByLabel('Each token sees').selectOption('256');
    await page.getByRole('button', { name: 'Race', exact: true }).click();
    await page.getByText('Racing').waitFor();
    expect(page.workers().length).toBe(1);
    await page.getByRole('link', { name: 'About' }).click();
    await page.getByRole('heading', { level: 1, name: 'About' }).waitFor();
    await withoutWorkers(page);
    // And one that was left while the model came.
    await page.route('**/transformer-xl-mini-english/model.safetensors', () => {});
    await page.getByRole('link', { name: 'Remember' }).click();
    await page.getByText('Starting the model').waitFor();
    await page.getByRole('link', { name: 'About' }).click();
    await page.getByRole('heading', { level: 1, name: 'About' }).waitFor();
    await withoutWorkers(page);
  });

  test('everything can be worked with the keyboard alone', async () => {
    const page = await visit();
    await tabTo(page, '#passage');
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.insertText(passage);
    await settled(page, passage);
    await tabTo(page, '#memory');
    await page.keyboard.press('Home');
    expect(await page.locator('#memory').getAttribute('aria-valuetext')).toContain('none');
    await page.keyboard.press('ArrowRight');
    expect(await page.locator('#memory').getAttribute('aria-valuetext')).toMatch(/^8 tokens/);
    await tabTo(page, '.token-text');
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowLeft');
    const last = tokenizer.encode(passage).length - 1;
    const active = page.locator('.token-text');
    expect(await active.getAttribute('aria-activedescendant')).toBe(`read-${last - 1}`);
    await page.locator(`section[data-token="${last - 1}"]`).waitFor();
    await tabTo(page, '.step');
    await page.keyboard.press('Enter');
    expect(await page.inputValue('#memory')).toBe('0');
    await remember(page, 64);
    await page.locator('.change').first().waitFor();
    await tabTo(page, '.change');
    await page.keyboard.press('Enter');
    await tabTo(page, '.share');
    await page.keyboard.press('Enter');
    expect(await page.locator('.share[aria-pressed=true]').getAttribute('aria-label')).toMatch(
      /^Layer 1, head 1:/,
    );
    await tabTo(page, '.looked');
    await tabTo(page, '.race select');
    await tabTo(page, '.race button');
    await page.keyboard.press('Enter');
    await page.getByText('Racing').waitFor();
    await page.getByText('Finished').waitFor({ timeout: 45_000 });
    expect(site.complaints).toEqual([]);
  });

  test('on a phone of 360 pixels nothing hangs over the edge, and fingers do', async () => {
    const page = await visit(phone);
    expect(await widest(page)).toBe(360);
    await write(page, `${passage} ${'x'.repeat(80)}`);
    await tokenAt(page, 70).tap();
    expect(await page.locator('#memory-lens').textContent()).toContain('token 71 of');
    await page.locator('section[data-token="70"]').waitFor();
    expect(await widest(page)).toBe(360);
    await page.getByLabel('Each token sees').selectOption('16');
    await page.getByRole('button', { name: 'Race', exact: true }).tap();
    await page.getByText('As it was measured').tap();
    await page.getByText('Finished').waitFor({ timeout: 45_000 });
    expect(await widest(page)).toBe(360);
  });

  test.each(['light', 'dark'] as const)(
    'in %s, the text is legible on every colour',
    async (colorScheme) => {
      const page = await visit({ colorScheme });
      for (const colors of ['surprise', 'change against no memory']) {
        await page.getByLabel(colors, { exact: true }).check();
        const found = await page.locator('.degree').evaluateAll(contrasts);
        expect(found.length).toBe(5);
        expect(Math.min(...found)).toBeGreaterThan(4.5);
      }
    },
  );

  test('under a sub-path, and from then on with the server gone', async () => {
    const deep = await site.serve('/some/where/');
    const page = await visit({}, deep.url);
    await write(page, passage);
    const online = await readBits(page);
    await page.getByText('works offline').waitFor();
    expect(site.complaints).toEqual([]);
    await deep.close();
    await page.reload();
    await write(page, passage);
    expect(await readBits(page)).toEqual(online);
    await page.getByText('As it was measured').click();
    const width = () =>
      page.locator('.race img').evaluate((image) => (image as HTMLImageElement).naturalWidth);
    await page.waitForFunction(
      () => document.querySelector<HTMLImageElement>('.race img')!.complete,
    );
    expect(await width()).toBeGreaterThan(0);
  });

  test('says what is wrong where the model cannot be fetched, and trying again helps', async () => {
    const page = await site.open();
    await page.route('**/models/**', (route) => route.abort('internetdisconnected'));
    await page.goto(`${site.url}#/memory`);
    expect(await page.getByRole('alert').textContent()).toContain('could not be fetched');
    await page.unroute('**/models/**');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('[data-state=ready]').waitFor();
    await answered(page);
    expect(await page.getByRole('alert').count()).toBe(0);

    const other = await site.open();
    await other.route('**/model.safetensors', (route) =>
      route.fulfill({ contentType: 'application/octet-stream', body: 'not a model at all' }),
    );
    await other.goto(`${site.url}#/memory`);
    expect(await other.getByRole('alert').textContent()).toContain('The model arrived damaged');
  });
});

/** What stands for the beginning of a text, and the text. */
function idsOf(text: string): number[] {
  return [model.specialTokens.eos[0]!, ...tokenizer.encodeIds(text)];
}

/** How surprising each token is, in bits, through the packages. */
function inNode(ids: readonly number[], memory: number): number[] {
  const bits: number[] = [];
  readInNode(ids, memory, ({ losses }) => bits.push(...losses.map((nats) => nats / Math.LN2)));
  return bits;
}

/** [layer][head][row][column] of one segment. */
function attentionsInNode(ids: readonly number[], memory: number, segment: number) {
  const all: number[][][][][] = [];
  readInNode(ids, memory, ({ attentions }) => all.push(attentions));
  return all[segment]!;
}

function readInNode(
  ids: readonly number[],
  memory: number,
  see: (segment: { losses: number[]; attentions: number[][][][] }) => void,
): void {
  let mems = model.initMems(1, 0);
  for (let at = 0; at < ids.length - 1; at += SEGMENT) {
    const end = Math.min(at + SEGMENT, ids.length - 1);
    const inputs = { inputIds: [ids.slice(at, end)], targets: [ids.slice(at + 1, end + 1)], mems };
    const lengths = { memLen: memory, sameLength: false };
    const outputs = model.forward(inputs, { ...lengths, outputAttentions: true });
    see({
      losses: [...outputs.losses!.dataSync<'float32'>()],
      attentions: outputs.attentions!.map((one) => (one.arraySync() as number[][][][])[0]!),
    });
    const before = mems;
    mems = outputs.mems?.map((mem) => mem.clone()) ?? model.initMems(1, 0);
    outputs.dispose();
    for (const mem of before) mem.dispose();
  }
  for (const mem of mems) mem.dispose();
}

/** The page with its first answer. */
async function visit(options?: BrowserContextOptions, url = site.url): Promise<Page> {
  const page = await site.open(options);
  await page.goto(`${url}#/memory`);
  await answered(page);
  return page;
}

/** Waits until what is shown answers what is written, with the chosen length of memory. */
async function answered(page: Page): Promise<void> {
  await page.locator('.results:not(.stale) .token-text').waitFor({ timeout: 45_000 });
}

/** Waits until what is shown answers what is written, with every length of memory. */
async function settled(page: Page, text?: string): Promise<void> {
  if (text !== undefined) {
    await page.waitForFunction(
      (wanted) => document.querySelector<HTMLTextAreaElement>('#passage')?.value === wanted,
      text,
    );
  }
  await answered(page);
  await page.waitForFunction(
    () => !document.querySelector('#memory-lens')?.textContent?.includes('…'),
    undefined,
    { timeout: 45_000 },
  );
}

/** Waits until the last worker has ended. */
async function withoutWorkers(page: Page): Promise<void> {
  for (let i = 0; i < 100 && page.workers().length > 0; i++) await page.waitForTimeout(100);
  expect(page.workers().length).toBe(0);
}

async function write(page: Page, text: string): Promise<void> {
  await page.fill('#passage', text);
  await settled(page, text);
}

async function remember(page: Page, memory: number): Promise<void> {
  await page.fill('#memory', String(MEMORIES.indexOf(memory as never)));
}

function tokenAt(page: Page, index: number) {
  return page.locator(`#read-${index} > span`);
}

async function readBits(page: Page): Promise<number[]> {
  const labels = await page
    .locator('.token-text [role=option]')
    .evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')!));
  return labels.map((label) => Number(/([\d.]+) bits$/.exec(label)![1]));
}

/** The number that a figure begins with. */
function numberOf(text: string | null): number {
  return Number.parseFloat(text!.replaceAll(',', ''));
}
