// The model card, written from what the run left behind: nothing in it is typed by hand.
import { machine, minutes, textsAndLimits } from './sources.mjs';

/**
 * @param about `{ name, recipe, commands, corpus, packages, log, parameters, bytes, model, baselines }`
 */
export function modelCard(about) {
  const { name, recipe, commands, log, parameters, bytes, model, baselines } = about;
  const { architecture, runs, training, evaluation, tokenizer } = recipe;
  const last = log.at(-1);
  const tokens = log.reduce((sum, line) => sum + line.tokens, 0);
  const count = (value) => Math.round(value).toLocaleString('en');
  return `---
license: apache-2.0
language: en
pipeline_tag: fill-mask
mask_token: "[MASK]"
---

# ${name}

A small BERT for masked words, trained by \`multihead pretrain bert\` on public English texts that npm
packages carry. It is here to try things with, in a terminal or a page, with nothing to download.

\`\`\`sh
multihead fill-mask "The president of the United [MASK] spoke to the congress." --model models/${name}
\`\`\`

| | |
|---|---|
| architecture | BERT, ${architecture.layers} layers, hidden ${architecture.hidden}, ${architecture.heads} heads, feed-forward ${architecture.intermediate} |
| rows | at most ${architecture.positions} tokens |
| vocabulary | ${count(tokenizer.vocabSize)} WordPiece tokens, lower case |
| parameters | ${count(parameters)} |
| weights | ${(bytes / 1e6).toFixed(2)} MB, ${training.dtype} safetensors |

## What it reaches

Held-out documents, ${count(model.count)} tokens masked (${100 * evaluation.probability} % of the text, seed ${evaluation.seed}), every one replaced by
\`[MASK]\`. The baselines are asked about the very same places; they count tokens in the same training
text, smoothed by interpolated Kneser–Ney.

| | top-1 accuracy | perplexity |
|---|---:|---:|
${row('**this model**', model)}
${row('unigram: the token alone', baselines.unigram)}
${row('bigram: after its left neighbour', baselines.bigram)}
${row('both neighbours, left and right', baselines.neighbours)}

![Loss over the steps of training](training-loss.svg)

The held-out curve is measured during training, where a tenth of the chosen tokens are replaced by
random ones and a tenth stay as they are, so it is not quite the number of the table.

## How it was made

One command makes it again: \`node scripts/pnpm.mjs --filter @multihead/embedded-models run bert\`. It runs

\`\`\`sh
${commands.join('\n')}
\`\`\`

${count(last.step)} steps (seed ${training.seed}) over ${count(tokens)} tokens, ${last.epoch.toFixed(1)} passes over the training text, took ${minutes(last.seconds)}
on one core of a ${machine()}. AdamW with
${training.warmup} steps of warm-up to ${training.learningRate} in each run, weight decay ${training.weightDecay}, ${architecture.dropout === 0 ? 'no dropout' : `dropout ${architecture.dropout}`}, gradients
clipped at 1; ${100 * training.mlmProbability} % of the tokens masked, 80/10/10. ${runs[0].steps} steps on rows of ${runs[0].maxLength} tokens, in
which a model soon learns that neighbours matter, then ${runs[1].steps} on full rows with the rate falling to 0.

${textsAndLimits(about, 'For demonstrations, tests, teaching, and as a start for fine-tuning on small tasks.')}`;
}

function row(title, { accuracy, perplexity }) {
  return `| ${title} | ${(100 * accuracy).toFixed(1)} % | ${perplexity.toFixed(1)} |`;
}
