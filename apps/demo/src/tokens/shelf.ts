/** A tokenizer that the site has. */
export interface Shelved {
  id: string;
  title: string;
  /** Whose way of cutting it is. */
  family: string;
  /** What it does, in a line. */
  how: string;
  /** Its folder of the site, and what of it is fetched. */
  folder: string;
  files: readonly string[];
}

/** The tokenizers that a text is cut with; all learned from the same texts, and of the same size. */
export const shelf: readonly Shelved[] = [
  {
    id: 'word-piece',
    title: 'WordPiece',
    family: 'BERT',
    how: 'Lower case, no accents. Of each word the longest known beginning, then of the rest: ## marks what goes on.',
    folder: 'models/bert-mini-english/',
    files: ['tokenizer.json'],
  },
  {
    id: 'bpe',
    title: 'Byte-level BPE',
    family: 'GPT-2',
    how: 'Bytes, joined pair by pair in the order in which the pairs were learned. Nothing is unknown. Ġ is a space; other odd letters are parts of characters.',
    folder: 'models/bpe-english/',
    files: ['vocab.json', 'merges.txt'],
  },
  {
    id: 'classic-bpe',
    title: 'Classic BPE',
    family: 'GPT-1',
    how: 'Letters of lowered words, joined pair by pair. </w> ends a word.',
    folder: 'models/classic-bpe-english/',
    files: ['vocab.json', 'merges.txt'],
  },
  {
    id: 'words',
    title: 'Word-level',
    family: 'Transformer-XL',
    how: 'A list of words; what is not on it is <unk>. @-@, @,@ and @.@ are a hyphen, comma and point within a word or number.',
    folder: 'models/words-english/',
    files: ['vocab.txt'],
  },
];
