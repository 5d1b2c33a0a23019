export { AutoModel, env, Tensor } from '@huggingface/transformers';
