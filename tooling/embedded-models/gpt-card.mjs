// The embedded GPT's card, written from what the runs left behind: nothing in it is typed by hand.
import { count, given, ngramRows, row, sample } from './causal-card.mjs';
import { machine, minutes, textsAndLimits } from './sources.mjs';

/**
 * @param about `{ name, recipe, commands, corpus, packages, log, trainingTokens, parameters, bytes, model, ngrams,
 *   texts }`
 */
export function modelCard(about) {
  const { name, recipe, commands, log, parameters, bytes, model, ngrams, texts } = about;
  const { architecture, runs, training, tokenizer } = recipe;
  const last = log.at(-1);
  const tokens = log.reduce((sum, line) => sum + line.tokens, 0);
  return `---
license: apache-2.0
language: en
pipeline_tag: text-generation
---

# ${name}

A small GPT-2 that goes on with a text, trained by \`multihead pretrain gpt\` on public English texts that
npm packages carry. It is here to try things with, in a terminal or a page, with nothing to download.

\`\`\`sh
multihead generate "The president of the United States" --model models/${name} --do-sample --top-k 40
\`\`\`

| | |
|---|---|
| architecture | GPT-2, ${architecture.layers} layers, hidden ${architecture.hidden}, ${architecture.heads} heads, feed-forward ${architecture.intermediate} |
| context | ${architecture.positions} tokens |
| vocabulary | that of [\`${tokenizer}\`](../${tokenizer}), byte-level BPE |
| parameters | ${count(parameters)} |
| weights | ${(bytes / 1e6).toFixed(2)} MB, ${training.dtype} safetensors |

## What it reaches

Held-out documents, ${count(model.tokens)} tokens in ${count(model.bytes)} bytes, each token scored once in a window that
slides (\`multihead evaluate --paragraphs --stride ${recipe.evaluation.stride}\`). The n-grams are asked about the very same tokens; they are
smoothed by interpolated modified Kneser–Ney and have counted all of the training text, of which the
model was given ${given(tokens, about.trainingTokens)}.

| | perplexity | bits per byte |
|---|---:|---:|
${row('**this model**', model)}
${ngramRows(ngrams)}

![Loss over the steps of training](training-loss.svg)

## What it writes

${texts.map(sample).join('\n\n')}

## How it was made

One command makes it again: \`node scripts/pnpm.mjs --filter @multihead/embedded-models run gpt\`. It runs

\`\`\`sh
${commands.join('\n')}
\`\`\`

${count(last.step)} steps (seed ${training.seed}) over ${count(tokens)} of the ${count(about.trainingTokens)} tokens took ${minutes(last.seconds)} on two threads that had to
wait for other work about half of the time: ${machine()}.
AdamW with weight decay ${training.weightDecay} and β₂ ${training.adamBeta2}, ${architecture.dropout === 0 ? 'no dropout' : `dropout ${architecture.dropout}`}, gradients clipped at 1;
${count(runs[0].steps)} steps at a rate of ${runs[0].learningRate}, then ${count(runs[1].steps)} in which it falls to 0.

${textsAndLimits(about, 'For demonstrations, tests and teaching. It writes sentences, not sense.')}`;
}
