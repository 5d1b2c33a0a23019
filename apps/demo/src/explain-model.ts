import type { Failure } from './failure.js';

/** Why a model does not come or does not answer, in words a visitor can act on. */
export function explainModel({ code }: Failure): { title: string; advice: string } {
  switch (code) {
    case 'WASM_UNSUPPORTED':
      return {
        title: 'This browser cannot run the model',
        advice:
          'The model needs WebAssembly with SIMD: Chrome or Edge 91, Firefox 89, Safari 16.4, or ' +
          'anything newer. Some privacy settings switch WebAssembly off.',
      };
    case 'WASM_BLOCKED':
      return {
        title: 'WebAssembly is not allowed here',
        advice:
          'The security policy of this site or of an extension forbids it, and the model needs it.',
      };
    case 'OUT_OF_MEMORY':
      return {
        title: 'The device is out of memory',
        advice: 'Close other tabs, then reload this page.',
      };
    case 'NETWORK_ERROR':
    case 'WORKER_FAILED':
      return navigator.onLine
        ? {
            title: 'The model could not be fetched',
            advice: 'The connection broke, or something between here and the server blocks it.',
          }
        : {
            title: 'You are offline',
            advice:
              'The model has not been fetched on this device yet. Connect once, and it will work ' +
              'offline from then on.',
          };
    case 'HTML_INSTEAD_OF_JSON':
    case 'BAD_FILE':
    case 'HTTP_ERROR':
    case 'NOT_FOUND':
      return {
        title: 'The model’s files are not there',
        advice:
          'The server answered with something else, such as a login or error page. If you are on ' +
          'a network that asks to log in, do that first.',
      };
    default:
      return /^SAFETENSORS|^TRUNCATED$|^BAD_/.test(code)
        ? {
            title: 'The model arrived damaged',
            advice: 'The connection may have broken in between: try again.',
          }
        : {
            title: 'The model could not answer',
            advice: 'This should not happen. Reloading the page may help.',
          };
  }
}
