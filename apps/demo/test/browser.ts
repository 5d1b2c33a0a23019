// Chromium, and what a visit to the site may not leave behind.
import { existsSync } from 'node:fs';
import { describe } from '@jest/globals';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const hasChromium = existsSync(executablePath);
if (!hasChromium) {
  console.warn(`Left out: no Chromium at ${executablePath}; CHROMIUM_PATH names another.`);
}

/** `describe`, where there is a Chromium. */
export const inBrowser = hasChromium ? describe : describe.skip;

const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];

export class Visitors {
  readonly #browser: Browser;
  /** What no visit may leave behind: errors, warnings, requests that failed. */
  complaints: string[] = [];

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async launch(): Promise<Visitors> {
    return new Visitors(await chromium.launch({ executablePath, args }));
  }

  /** A new visitor's tab, whose complaints are noted. */
  async open(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.#browser.newContext(options);
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const complaints: string[] = [];
    this.complaints = complaints;
    const note = (complaint: string) => complaints.push(complaint);
    page.on('pageerror', (error) => note(`error: ${error.message}`));
    page.on('requestfailed', (request) =>
      note(`${request.failure()?.errorText}: ${request.url()}`),
    );
    page.on('response', (response) => {
      if (response.status() >= 400) note(`${response.status()}: ${response.url()}`);
    });
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) note(`console: ${message.text()}`);
    });
    return page;
  }

  /** Closes their tabs. */
  async leave(): Promise<void> {
    for (const context of this.#browser.contexts()) await context.close();
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}

/** In the page: how well each element's text stands out from what is behind it (WCAG 2). */
export function contrasts(elements: Element[]): number[] {
  const luminance = (color: string) => {
    const [r, g, b] = color.match(/[\d.]+/g)!.map((value) => {
      const part = Number(value) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  return elements.map((element) => {
    const { color, backgroundColor } = getComputedStyle(element);
    const [text, ground] = [luminance(color), luminance(backgroundColor)];
    return (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
  });
}

/** A phone of the smallest width there still is, worked with fingers. */
export const phone = { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true };

/** How wide the page is with all that hangs over its edge. */
export function widest(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth);
}

/** Presses Tab until the element has the focus. */
export async function tabTo(page: Page, selector: string): Promise<void> {
  for (let i = 0; i < 80; i++) {
    await page.keyboard.press('Tab');
    if (await page.evaluate((s) => document.activeElement?.matches(s) ?? false, selector)) return;
  }
  throw new Error(`${selector} cannot be reached by Tab`);
}
