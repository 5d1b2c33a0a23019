// The parts of docs/ablations.md that figures make; page.md has the rest.
import { comparison, figuresOf, mean, standardDeviation } from './figures.mjs';

/** Puts the parts in the places that the page marks for them, `{{ name }}`. */
export function filled(page, parts) {
  return page.replace(/\{\{ (.+?) \}\}/g, (_, name) => {
    if (name in parts) return parts[name];
    throw new Error(`The page has a place for ${name}, and there is none.`);
  });
}

/** The paper's Table 6. @param results by configuration, one of each seed */
export function ablationTable(configurations, results) {
  const names = Object.keys(configurations);
  const reference = figuresOf(results[names[0]]);
  const rows = names.map((name) => {
    const { encoding, flags } = configurations[name];
    const { weights, own, best } = figuresOf(results[name]);
    const isReference = name === names[0];
    const worse = isReference ? undefined : comparison(best.bySeed, reference.best.bySeed);
    return [
      flags.memLen > 0 ? 'yes' : 'no',
      encoding,
      weights.toLocaleString('en'),
      spread(own.bySeed),
      spread(best.bySeed),
      best.attentionLength,
      ...(worse ? compared(worse) : ['', '', '']),
    ];
  });
  return table(
    [
      'memory',
      'positions',
      'weights',
      'as trained',
      'best',
      'attention length',
      'worse by (95 %)',
      'p',
      'seeds',
    ],
    '---|---|--:|---|---|--:|---|---|---',
    rows,
  );
}

/** What the memory is worth to each way to tell positions: without, less with. */
export function memoryTable(configurations, results) {
  const withMemory = Object.keys(configurations).filter((name) => results[`${name}-memory`]);
  const rows = withMemory.map((name) => {
    const [without, remembers] = [name, `${name}-memory`].map((one) => figuresOf(results[one]));
    const asTrained = comparison(without.own.bySeed, remembers.own.bySeed);
    const best = comparison(without.best.bySeed, remembers.best.bySeed);
    return [configurations[name].encoding, ...compared(asTrained), ...compared(best)];
  });
  return table(
    ['positions', 'as trained: gain (95 %)', 'p', 'seeds', 'best: gain (95 %)', 'p', 'seeds'],
    '---|---|---|---|---|---|---',
    rows,
  );
}

/** The paper's Table 8. */
export function contextTable({ memoryLengths, ratios }, lookedBack) {
  const rows = memoryLengths.map((memory) => {
    const lengths = lookedBack.ratios.map(({ memories }) => memories[memory]);
    return [
      named(memory),
      ...lengths.map(({ length, isLongest }) => `${isLongest ? '≥ ' : ''}${length}`),
    ];
  });
  const head = ['memory', ...ratios.map((ratio) => `r = ${ratio}`)];
  return table(head, head.map(() => '--:').join('|'), rows);
}

/** What each context costs and gains with each memory, for the plot. */
export function contextCurves({ memoryLengths, contextLengths, ratios }, lookedBack, ratio) {
  const { memories } = lookedBack.ratios[ratios.indexOf(ratio)];
  return memoryLengths.flatMap((memory) =>
    contextLengths.map((context, i) => ({
      ...{ memory: named(memory), context },
      loss: lookedBack.losses[memory][i],
      ...(i < contextLengths.length - 1 && { gain: memories[memory].gains[i].gain }),
    })),
  );
}

const named = (memory) => (memory === 0 ? 'none' : String(memory));

const spread = (numbers) =>
  `${mean(numbers).toFixed(3)} ± ${standardDeviation(numbers).toFixed(3)}`;

function compared({ mean, interval, p, larger, seeds }) {
  const [low, high] = interval.map((end) => signed(end));
  const shown = p < 0.001 ? '< 0.001' : p.toFixed(3);
  return [`${signed(mean)} (${low} to ${high})`, shown, `${larger} of ${seeds}`];
}

const signed = (number) => number.toFixed(3).replace('-', '−');

function table(head, rule, rows) {
  return [
    `| ${head.join(' | ')} |`,
    `|${rule}|`,
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ].join('\n');
}
