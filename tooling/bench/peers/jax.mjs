export { defaultDevice, init, jit, numpy } from '@jax-js/jax';
export { ONNXModel } from '@jax-js/onnx';
