import { check, input, type Kernel, sameShape } from './kernel-host.js';

/** Nanoseconds that a multiplication and its addition take, with the softmax between. */
const PER_MULTIPLICATION = 0.05;
/** Groups of classes whose shares of dx are added up in the end: as many threads can work on them. */
const GROUPS = 4;
/** As in the assembly: classes at a time, and the floats that `marks` has for a chunk and for each row. */
const [BLOCK, HEADER, MARKS] = [256, 4, 4];

/**
 * The cross-entropy of x·Wᵀ + bias, without the logits: x [rows, d], weight [classes, d], bias?
 * [classes], labels int32 [rows] → losses [rows], 0 where the label is `ignoreIndex`; with `gradients`
 * also dx, dweight and, with a bias, dbias, the gradients of Σ losses·scale.
 */
export const linearCrossEntropy: Kernel = {
  name: 'MhLinearCrossEntropy',
  run(call) {
    const name = 'MhLinearCrossEntropy';
    const [x, weight] = [input(call, name, 'x'), input(call, name, 'weight')];
    const bias = call.inputs.bias && input(call, name, 'bias');
    const labels = input(call, name, 'labels', 'int32');
    const [rows, d] = x.shape as [number, number];
    const [classes] = weight.shape as [number];
    check(
      x.shape.length === 2 &&
        sameShape(weight.shape, [classes, d]) &&
        sameShape(labels.shape, [rows]) &&
        (bias === undefined || sameShape(bias.shape, [classes])),
      name,
      () =>
        `x [${x.shape}], weight [${weight.shape}], labels [${labels.shape}] and bias [${bias?.shape ?? ''}] do not go together`,
    );
    const { ignoreIndex = -100, scale = 1 } = call.attrs;
    const gradients = !!call.attrs.gradients;
    check(Number.isInteger(ignoreIndex), name, () => `ignoreIndex is ${ignoreIndex}`);
    const wanted = gradients ? [x, weight, ...(bias ? [bias] : [])] : [];
    const outputs = [call.output([rows]), ...wanted.map(({ shape }) => call.output(shape))];

    const { wasm } = call;
    const ignore = Number(ignoreIndex);
    const chunk = wasm.headChunk!(call.address(labels), rows, classes, ignore);
    const blocks = wasm.headBlocks!(classes);
    const groups = Math.min(GROUPS, blocks);
    const blockWork = BLOCK * chunk * d * PER_MULTIPLICATION + 1;
    const ofBlocks = call.parts(blocks, blockWork);
    const ofGroups = call.parts(groups, (2 * blockWork * blocks) / groups);

    const marks = call.scratch(HEADER + MARKS * chunk);
    const [xs, xsTurned] = [call.scratch(chunk * d), call.scratch(chunk * d)];
    const xsPacked = gradients ? call.scratch(chunk * 16 * Math.ceil(d / 16)) : 0;
    const [tops, sums] = [call.scratch(blocks * chunk), call.scratch(blocks * chunk)];
    const dxs = gradients ? call.scratch(groups * chunk * d) : 0;
    // Without gradients a block's logits are gone with the next one's.
    const room = BLOCK * (chunk + 4);
    const logits = call.scratch(room * (gradients ? blocks : ofBlocks.length));
    const needs = [
      wasm.headLogitsScratch!(d, chunk),
      gradients ? wasm.headGradientsScratch!(d, chunk) : 0,
    ];
    const scratches = needs.map((floats, i) => {
      const parts = [ofBlocks, ofGroups][i]!.length;
      const first = call.scratch(floats * parts);
      return Array.from({ length: parts }, (_, part) => first + 4 * floats * part);
    });

    const [xAt, weightAt, labelsAt] = [x, weight, labels].map(call.address);
    const biasAt = bias ? call.address(bias) : 0;
    const [lossesAt, dxAt = 0, dweightAt = 0, dbiasAt = 0] = outputs.map(call.address);
    for (let from = 0, afresh = true; afresh || from < rows; afresh = false) {
      from = wasm.headRows!(
        ...[xAt!, labelsAt!, lossesAt!, dxAt, from, rows, d, classes, ignore, chunk],
        ...[marks, xs, xsTurned, xsPacked],
      );
      check(
        from >= 0,
        name,
        () => `the label of row ${-1 - from} is not one of ${classes} classes`,
      );
      const logitCalls = ofBlocks.map(([first, end], i) => [
        ...[weightAt!, biasAt, d, classes, chunk, first, end, marks, xsTurned, tops, sums],
        ...[gradients ? logits : logits + 4 * room * i, gradients, scratches[0]![i]!],
      ]);
      call.run('headLogits', logitCalls);
      wasm.headLosses!(lossesAt!, blocks, chunk, marks, tops, sums);
      if (!gradients) continue;
      const gradientCalls = ofGroups.map(([first, end], i) => [
        ...[weightAt!, dweightAt, dbiasAt, d, classes, chunk, first, end, groups],
        ...[Number(scale), afresh, marks, xsPacked, tops, logits, dxs, scratches[1]![i]!],
      ]);
      call.run('headGradients', gradientCalls);
      wasm.headInputGradients!(dxAt, d, chunk, marks, dxs, groups);
    }
    return outputs;
  },
};
