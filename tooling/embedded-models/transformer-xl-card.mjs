// The embedded Transformer-XL's card, written from what the runs left behind: nothing in it is typed by hand.
import { count, given, ngramRows, row, sample } from './causal-card.mjs';
import { machine, minutes, textsAndLimits } from './sources.mjs';

/**
 * @param about `{ name, recipe, commands, corpus, packages, log, trainingTokens, parameters, size, bytes,
 *   ngrams, memories, texts, unknown, spellingBits }`: `size` is the file's, `bytes` are the held-out text's
 */
export function modelCard(about) {
  const { name, recipe, commands, log, parameters, ngrams, memories, texts } = about;
  const { architecture, evaluation, runs, tokenizer, training } = recipe;
  const last = log.at(-1);
  const tokens = log.reduce((sum, line) => sum + line.tokens, 0);
  const [none] = memories;
  const [, least] = memories;
  const best = memories.reduce((a, b) => (b.loss < a.loss ? b : a));
  const gain = ({ perplexity }) =>
    `${((100 * (none.perplexity - perplexity)) / none.perplexity).toFixed(1)} %`;
  const unknown = `${(100 * about.unknown).toFixed(1)} %`;
  return `---
license: apache-2.0
language: en
pipeline_tag: text-generation
---

# ${name}

A small Transformer-XL that goes on with a text, trained by \`multihead pretrain transformer-xl\` on public
English texts that npm packages carry. It is here to see what a memory does, in a terminal or a page, with
nothing to download.

\`\`\`sh
multihead generate "The president of the United States" --model models/${name} --do-sample --top-k 40
\`\`\`

| | |
|---|---|
| architecture | Transformer-XL, ${architecture.layers} layers, hidden ${architecture.hidden}, ${architecture.heads} heads, feed-forward ${architecture.intermediate}, norm before each part |
| memory | ${architecture.memoryLength} tokens, empty when a text begins; trained in segments of ${training.segmentLength} |
| vocabulary | ${count(tokenizer.vocabSize)} words in their case; ${unknown} of held-out text is \`<unk>\` |
| embeddings and softmax | adaptive, tied: cut at ${architecture.cutoffs.split(',').map(count).join(' and ')}, each cluster's vectors 1/${architecture.divVal} as wide as the last's |
| parameters | ${count(parameters)} |
| weights | ${(about.size / 1e6).toFixed(2)} MB, ${training.dtype} safetensors |

Loading it takes no options. Any other memory can be asked for: \`multihead evaluate\` and \`generate\` take
\`--memory-length\`, and a pass \`model.forward(inputs, { memLen: 256 })\`. \`generation_config.json\` keeps \`<unk>\`
from being written; the command reads it, a program gives it to \`generate\` as
\`generationConfig: readGenerationConfig(json)\`. Ends of lines are no tokens: it writes no paragraphs.

## What memory is worth

Held-out documents, ${count(none.tokens)} tokens in ${count(about.bytes)} bytes, every token but each document's first, in segments of
${evaluation.segmentLength} tokens, each document with an empty memory to begin with
(\`multihead evaluate --paragraphs --window ${evaluation.segmentLength} --memory-length …\` gives these perplexities). The n-grams are asked about the very same
tokens; they are smoothed by interpolated modified Kneser–Ney and have counted all of the training text,
of which the model was given ${given(tokens, about.trainingTokens)}.

| | perplexity | bits per byte |
|---|---:|---:|
${memories.map((one) => row(titleOf(one, architecture), one)).join('\n')}
${ngramRows(ngrams)}

A memory of ${least.memoryLength} tokens takes ${gain(least)} off the perplexity, one of ${best.memoryLength} ${gain(best)}. \`<unk>\` counts as a token like any
other for perplexity, which therefore cannot be compared with that of a model that spells all words, as
[\`gpt-mini-english\`](../gpt-mini-english) does. Bits per byte can: in all of them are ${about.spellingBits.toFixed(3)} bits for spelling the
unknown words, byte by byte, as a 5-gram over those of the training text foretells them. What they flatter is
that bytes of white space are counted and it is not foretold: mostly it follows from the words.

![Loss over the steps of training](training-loss.svg)

## What it writes

${texts.map(sample).join('\n\n')}

## How it was made

One command makes it again: \`node scripts/pnpm.mjs --filter @multihead/embedded-models run transformer-xl\`. It runs

\`\`\`sh
${commands.join('\n')}
\`\`\`

${count(last.step)} steps (seed ${training.seed}) over ${count(tokens)} tokens, ${given(tokens, about.trainingTokens)} of the text's ${count(about.trainingTokens)}, took ${minutes(last.seconds)} on a core that had
to wait for other work for some of the time: ${machine()}, relaxed SIMD.
AdamW with weight decay ${training.weightDecay} and β₂ ${training.adamBeta2}, ${architecture.dropout === 0 ? 'no dropout' : `dropout ${architecture.dropout}`}, gradients clipped at 1;
${count(runs[0].steps)} steps at a rate of ${runs[0].learningRate}, then ${count(runs[1].steps)} in which it falls to 0. Documents stand in their order in
${training.batchSize} streams, so that what is remembered is what went before.

${textsAndLimits(about, 'For demonstrations, tests and teaching. It writes sentences, not sense.')}`;
}

function titleOf({ memoryLength }, architecture) {
  if (memoryLength === 0) return 'no memory: what the segment has';
  const title = `memory of ${memoryLength}`;
  return memoryLength === architecture.memoryLength ? `**${title}, as trained**` : title;
}
