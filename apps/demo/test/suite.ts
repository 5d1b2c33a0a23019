// What every suite in the browser begins with: the site, built and served, and visitors to it.
import { afterAll, afterEach, beforeAll, jest } from '@jest/globals';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { inBrowser, Visitors } from './browser.js';
import { buildSite, type Served, type Site } from './site.js';

class Suite {
  #site: Site | undefined;
  #served: Served | undefined;
  #visitors: Visitors | undefined;

  async begin(): Promise<void> {
    this.#site = buildSite();
    this.#served = await this.#site.serve('/');
    this.#visitors = await Visitors.launch();
  }

  async endTest(): Promise<void> {
    await this.#visitors?.leave();
  }

  async end(): Promise<void> {
    await this.#visitors?.close();
    this.#site?.remove();
  }

  /** Where the site is. */
  get url(): string {
    return this.#served!.url;
  }

  /** Serves it once more, at this path of another port. */
  serve(base: string): Promise<Served> {
    return this.#site!.serve(base);
  }

  /** A new visitor's tab, closed after the test. */
  open(options?: BrowserContextOptions): Promise<Page> {
    return this.#visitors!.open(options);
  }

  /** What no visit may leave behind, of the newest visitor. */
  get complaints(): readonly string[] {
    return this.#visitors!.complaints;
  }
}

/** `describe` of the built site, where there is a Chromium; what it gives is there once its tests run. */
export function onSite(name: string, tests: () => void): Suite {
  jest.setTimeout(60_000);
  const suite = new Suite();
  inBrowser(name, () => {
    beforeAll(() => suite.begin());
    afterEach(() => suite.endTest());
    afterAll(() => suite.end());
    tests();
  });
  return suite;
}
