// The built site, served as a visitor would find it, and what the packages say of a text in Node.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { BertForMaskedLM } from '@multihead/bert';
import { softmax } from '@multihead/nn';
import { BertTokenizer } from '@multihead/tokenizers';
import { useWasm } from '@multihead/wasm';

const root = fileURLToPath(new URL('..', import.meta.url));
const vite = path.join(root, 'node_modules/vite/bin/vite.js');

/** The models that the site is built with. */
export const modelFolder =
  process.env.MULTIHEAD_DEMO_MODEL ??
  fileURLToPath(new URL('../../../models/bert-mini-english', import.meta.url));
export const gptFolder =
  process.env.MULTIHEAD_DEMO_GPT ??
  fileURLToPath(new URL('../../../models/gpt-mini-english', import.meta.url));
export const transformerXLFolder =
  process.env.MULTIHEAD_DEMO_TRANSFORMER_XL ??
  fileURLToPath(new URL('../../../models/transformer-xl-mini-english', import.meta.url));

export interface Served {
  url: string;
  close(): Promise<void>;
}

export interface Site {
  /** Serves it at this path of a free port. */
  serve(base: string): Promise<Served>;
  /** Ends the servers that still run, and deletes the files. */
  remove(): void;
}

/** Builds it as `vite build` does, in a folder of its own. Vite does not run inside jest's realm. */
export function buildSite(): Site {
  const outDir = mkdtempSync(path.join(tmpdir(), 'multihead-demo-'));
  const build = [vite, 'build', '--outDir', outDir, '--emptyOutDir', '--logLevel', 'warn'];
  const env = { ...process.env, NODE_ENV: 'production', NO_COLOR: '1' };
  execFileSync(process.execPath, build, { cwd: root, env, stdio: ['ignore', 'ignore', 'inherit'] });
  const servers: ChildProcess[] = [];
  return {
    async serve(base) {
      const serve = [vite, 'preview', '--outDir', outDir, '--base', base];
      const server = spawn(process.execPath, [...serve, '--host', '127.0.0.1', '--port', '0'], {
        cwd: root,
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const closed = once(server, 'exit');
      servers.push(server);
      let printed = '';
      for await (const chunk of server.stdout.setEncoding('utf8')) {
        printed += chunk;
        const url = /http:\S+/.exec(printed)?.[0];
        if (!url) continue;
        return {
          url,
          close: async () => {
            server.kill();
            await closed;
          },
        };
      }
      throw new Error(`The server ended before it told its address: ${printed}`);
    },
    remove() {
      for (const server of servers) server.kill();
      rmSync(outDir, { recursive: true, force: true });
    },
  };
}

export interface Expected {
  tokens: string[];
  /** For each blank every token with its probability, likeliest first; special tokens left out. */
  blanks: { token: string; probability: number }[][];
  /** [layer][head][row][column] */
  attentions: number[][][][];
}

/** The same text through the packages, here in Node and with plain SIMD. */
export async function inNode(text: string): Promise<Expected> {
  await useWasm({ variant: 'simd' });
  const tokenizer = await BertTokenizer.fromPretrained(modelFolder);
  using model = await BertForMaskedLM.fromPretrained(modelFolder);
  const encoding = tokenizer.encode(text, { truncation: false, padding: false });
  using outputs = model.forward(encoding, { outputAttentions: true });
  const probabilities = softmax(outputs.logits!);
  const [rows] = (await probabilities.array()) as number[][][];
  probabilities.dispose();
  const special = new Set(tokenizer.specialTokenIds);
  const attentions = outputs.attentions!.map((layer) => layer.arraySync() as number[][][][]);
  return {
    tokens: encoding.tokens,
    blanks: encoding.ids.flatMap((id, position) => {
      if (id !== tokenizer.maskTokenId) return [];
      const words = rows!
        [position]!.map((probability, word) => ({ word, probability }))
        .filter(({ word }) => !special.has(word))
        .sort((a, b) => b.probability - a.probability);
      return [
        words.map(({ word, probability }) => ({
          token: tokenizer.idToToken(word)!,
          probability,
        })),
      ];
    }),
    attentions: attentions.map(([heads]) => heads!),
  };
}
