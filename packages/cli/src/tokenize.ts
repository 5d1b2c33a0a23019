import type { Encoding } from '@multihead/tokenizers';
import type { Command } from 'commander';
import pc from 'picocolors';
import { loadTokenizer } from './load-tokenizer.js';
import { option, whole } from './options.js';
import { formatTable, print } from './output.js';
import { readTexts } from './text.js';

interface TokenizeOptions {
  model: string;
  json?: boolean;
  maxLength?: number;
  specialTokens: boolean;
  lowercase: boolean;
}

/** `multihead tokenize <text…|-> --model <source>` */
export function tokenize(program: Command): void {
  program
    .command('tokenize')
    .summary('show the tokens of a text')
    .description(
      'Shows the tokens of each text with their ids, and the part of the text each stands for.',
    )
    .argument('<text...>', 'texts; - reads them from standard input, one a line')
    .requiredOption(
      '-m, --model <source>',
      'a folder, vocab.txt, tokenizer.json, address or hub id',
    )
    .option('--no-special-tokens', 'leave out [CLS] and [SEP]')
    .option('--no-lowercase', 'for a bare vocab.txt: keep case and accents')
    .addOption(option('--max-length <tokens>', 'cut off what is longer', whole({ from: 1 })))
    .option('--json', 'print one JSON object a text, each on a line')
    .action(run);
}

async function run(texts: string[], options: TokenizeOptions): Promise<void> {
  const { model, maxLength, specialTokens: addSpecialTokens, lowercase, json } = options;
  const tokenizer = await loadTokenizer(model, lowercase ? {} : { doLowerCase: false });
  const encodeOptions = {
    addSpecialTokens,
    padding: false,
    ...(maxLength === undefined ? { truncation: false } : { truncation: true, maxLength }),
  };
  let first = true;
  for await (const text of readTexts(texts)) {
    const encoding = tokenizer.encode(text, encodeOptions);
    if (json) {
      const { tokens, ids, offsets } = encoding;
      print(JSON.stringify({ text, tokens, ids, offsets }));
      continue;
    }
    if (!first) print('');
    first = false;
    print(table(text, encoding));
  }
}

function table(text: string, { tokens, ids, offsets }: Encoding): string {
  const rows = tokens.map((token, i) => {
    const [start, end] = offsets[i]!;
    return [token, ids[i]!, start, end, text.slice(start, end)];
  });
  const counted = `${tokens.length} ${tokens.length === 1 ? 'token' : 'tokens'}`;
  return `${formatTable(['token', 'id', 'start', 'end', 'text'], rows)}\n${pc.dim(counted)}`;
}
