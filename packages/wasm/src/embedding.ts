import { check, input, type Kernel, sameShape, sizeOf } from './kernel-host.js';

/**
 * weight [numEmbeddings, d] and ids, int32 [...] → the rows of weight at ids, [..., d]. With `panels`
 * weight is as `MhPanels` packed it.
 */
export const embedding: Kernel = {
  name: 'MhEmbedding',
  run(call) {
    const weight = input(call, 'MhEmbedding', 'weight');
    const ids = input(call, 'MhEmbedding', 'ids', 'int32');
    const { shape } = weight;
    check(shape.length === 2, 'MhEmbedding', () => `weight is [${shape}], not a matrix`);
    const [size, length] = shape as [number, number];
    const y = call.output([...ids.shape, length]);
    const at = [weight, ids, y].map(call.address);
    const lookUp = call.attrs.panels ? call.wasm.panelRows! : call.wasm.embedding!;
    const badRow = lookUp(...at, sizeOf(ids.shape), length, size);
    check(badRow < 0, 'MhEmbedding', () => `the id of row ${badRow} is not one of ${size}`);
    return y;
  },
};

/** dy [rows, d] and ids, int32 [rows] → dweight [numEmbeddings, d], the rows of dy added up by id. */
export const embeddingGrad: Kernel = {
  name: 'MhEmbeddingGrad',
  run(call) {
    const dy = input(call, 'MhEmbeddingGrad', 'dy');
    const ids = input(call, 'MhEmbeddingGrad', 'ids', 'int32');
    check(
      dy.shape.length > 0 && sameShape(ids.shape, dy.shape.slice(0, -1)),
      'MhEmbeddingGrad',
      () => `ids [${ids.shape}] do not name the rows of dy [${dy.shape}]`,
    );
    const size = Number(call.attrs.numEmbeddings);
    check(
      Number.isInteger(size) && size >= 0,
      'MhEmbeddingGrad',
      () => `numEmbeddings is ${call.attrs.numEmbeddings}`,
    );
    const length = dy.shape.at(-1)!;
    const dweight = call.output([size, length]);
    const at = [dy, ids, dweight].map(call.address);
    const badRow = call.wasm.embeddingGrad!(...at, sizeOf(ids.shape), length, size);
    check(badRow < 0, 'MhEmbeddingGrad', () => `the id of row ${badRow} is not one of ${size}`);
    return dweight;
  },
};
