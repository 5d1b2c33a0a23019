import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultClientConditions, defineConfig, type Plugin } from 'vite';

const models = fileURLToPath(new URL('../../models/', import.meta.url));

/** What the pages read of a model, and of a vocabulary; cards and pictures stay at home. */
const modelFiles = /^(config|tokenizer)\.json$|\.safetensors(\.index\.json)?$/;
const vocabularyFiles = /^vocab\.(json|txt)$|^merges\.txt$/;

/** Serves those files of a folder of `models/` as `models/<name>/` of the site. */
function serve(name: string, wanted: RegExp, folder = path.join(models, name)): Plugin {
  const files = () => {
    if (!existsSync(folder)) throw new Error(`The demo shows what is in ${folder}: it is missing.`);
    return readdirSync(folder).filter((file) => wanted.test(file));
  };
  return {
    name: `model-${name}`,
    configureServer(server) {
      server.middlewares.use(`/models/${name}/`, (request, response) => {
        const file = new URL(request.url ?? '', 'http://localhost').pathname.slice(1);
        response.statusCode = files().includes(file) ? 200 : 404;
        if (response.statusCode === 404) response.end();
        else createReadStream(path.join(folder, file)).pipe(response);
      });
    },
    generateBundle() {
      for (const file of files()) {
        const source = readFileSync(path.join(folder, file));
        this.emitFile({ type: 'asset', fileName: `models/${name}/${file}`, source });
      }
    },
  };
}

/** Tells the service worker what the site consists of: each file with a hash of what is in it. */
function listFilesForServiceWorker(): Plugin {
  return {
    name: 'list-files-for-service-worker',
    writeBundle: {
      order: 'post',
      handler({ dir }) {
        const site = dir ?? 'dist';
        const script = path.join(site, 'service-worker.js');
        const files = readdirSync(site, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => path.join(entry.parentPath, entry.name))
          .filter((file) => file !== script)
          .map((file) => [path.relative(site, file).split(path.sep).join('/'), hash(file)]);
        const code = readFileSync(script, 'utf8');
        const list = JSON.stringify(Object.fromEntries(files.sort()));
        if (!code.includes('__FILES__')) this.error('service-worker.js has no place for its files');
        writeFileSync(script, code.replace('__FILES__', list));
      },
    },
  };
}

function hash(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('base64url').slice(0, 12);
}

export default defineConfig(({ command }) => ({
  // Relative, so that the site runs under any path.
  base: './',
  // A missing file is a 404 and not the start page.
  appType: 'mpa',
  plugins: [
    serve('bert-mini-english', modelFiles, process.env.MULTIHEAD_DEMO_MODEL),
    serve('gpt-mini-english', modelFiles, process.env.MULTIHEAD_DEMO_GPT),
    serve('transformer-xl-mini-english', modelFiles, process.env.MULTIHEAD_DEMO_TRANSFORMER_XL),
    serve('bpe-english', vocabularyFiles),
    serve('classic-bpe-english', vocabularyFiles),
    serve('words-english', vocabularyFiles),
    listFilesForServiceWorker(),
  ],
  // While developing, the packages' sources; the site is built from what they publish.
  resolve:
    command === 'serve' ? { conditions: ['@multihead/source', ...defaultClientConditions] } : {},
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    rolldownOptions: {
      input: { index: 'index.html', 'service-worker': 'src/service-worker.ts' },
      output: {
        entryFileNames: ({ name }) =>
          name === 'service-worker' ? '[name].js' : 'assets/[name]-[hash].js',
      },
    },
  },
}));
