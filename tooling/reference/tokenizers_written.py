"""Checks that what we write, Hugging Face's Rust library reads, and that it gives the same ids.

Every tokenizer of packages/tokenizers/fixtures, of each family bare and trained, and every vocabulary
beside the repository is read and written by our package as it is built, read by the library, and run
over the hard texts. Run from the repository root, with node in the path and the packages built:
python tooling/reference/tokenizers_written.py
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer

ROOT = pathlib.Path(__file__).parents[2]
DATA = pathlib.Path(os.environ.get("MULTIHEAD_SHARED_DATA", ROOT.parent / "shared/data"))

WRITE = r"""
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
const [root, data, target] = process.argv.slice(1);
const ours = await import(`${root}/packages/tokenizers/dist/index.js`);
const fixture = (name) => JSON.parse(readFileSync(`${root}/packages/tokenizers/fixtures/${name}`, 'utf8'));
const { texts, settings, vocab } = fixture('word-piece.json');
const { models, runs } = fixture('pipeline.json');
let count = 0;
async function write(name, tokenizer) {
  const folder = `${target}/${count++}`;
  mkdirSync(folder);
  await ours.saveTokenizer(tokenizer, folder);
  const none = { truncation: false, padding: false };
  const ids = texts.map((text) => tokenizer.encode(text, none).ids);
  writeFileSync(`${folder}/expected.json`, JSON.stringify({ name, texts, ids }));
  return folder;
}
for (const run of runs) {
  const json = { ...run.tokenizer, model: models[run.tokenizer.model] };
  await write(run.name, await ours.loadTokenizer({ 'tokenizer.json': JSON.stringify(json) }));
}
for (const doLowerCase of [true, false]) {
  await write(`BertTokenizer ${doLowerCase}`, ours.BertTokenizer.fromVocab(vocab, { doLowerCase }));
}
const trained = {
  WordPiece: await ours.trainWordPiece(texts, { vocabSize: 400, minFrequency: 1 }),
  'byte-level BPE': await ours.trainBpe(texts, { vocabSize: 500 }),
  RoBERTa: await ours.trainBpe(texts, { vocabSize: 500, specialTokens: ['<s>', '<pad>', '</s>', '<unk>', '<mask>'] }),
  'classic BPE': await ours.trainClassicBpe(texts, { vocabSize: 600 }),
  words: await ours.trainWordLevel(texts, { vocabSize: 300 }),
};
for (const [name, tokenizer] of Object.entries(trained)) {
  await write(`trained ${name}`, tokenizer);
  const { 'tokenizer.json': _, ...bare } = ours.tokenizerFiles(tokenizer);
  await write(`trained ${name}, from its vocabulary`, await ours.loadTokenizer(bare));
}
await write('words with <eos>', ours.TransfoXLTokenizer.fromVocab(['<unk>', '<eos>', 'the', 'river'], { addEos: true, lowerCase: true }));
const real = ['bert-base-uncased/tokenizer.json', 'bert-base-cased', 'bert-base-chinese', 'bert-base-multilingual-uncased/tokenizer.json', 'gpt2', 'gpt2/tokenizer.hf.json', 'roberta-base', 'roberta-base/tokenizer.json'];
for (const name of real) {
  if (existsSync(`${data}/vocab/${name}`)) await write(name, await ours.loadTokenizer(`${data}/vocab/${name}`));
}
"""

with tempfile.TemporaryDirectory() as target:
    subprocess.run(["node", "--input-type=module", "-e", WRITE, str(ROOT), str(DATA), target], check=True)
    wrong = 0
    folders = sorted(pathlib.Path(target).iterdir(), key=lambda folder: int(folder.name))
    for folder in folders:
        expected = json.loads((folder / "expected.json").read_text())
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        differ = [text for text, ids in zip(expected["texts"], expected["ids"]) if tokenizer.encode(text).ids != ids]
        if differ:
            wrong += 1
            print(f"{expected['name']}: {len(differ)} of {len(expected['texts'])} texts differ, such as {differ[0]!r}")
    print(f"{len(folders) - wrong} of {len(folders)} tokenizers give the same ids over {len(expected['texts'])} texts")
sys.exit(wrong > 0)
