import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from '@jest/globals';

// The built program, as a person runs it.
export const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));

export interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface RunOptions {
  input?: string | Uint8Array;
  env?: Record<string, string>;
  /** Leave standard input open. */
  keepOpen?: boolean;
  /** Called when the program has taken in all its input (but what a pipe holds). */
  onRead?: (child: ChildProcess) => void;
  /** Called with all of stdout so far, whenever there is more. */
  onStdout?: (text: string, child: ChildProcess) => void;
  /** Called with all of stderr so far, whenever there is more. */
  onStderr?: (text: string, child: ChildProcess) => void;
}

/** A temporary folder in which the program runs. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'multihead-cli-'));

  run(
    args: string[],
    { input, env, keepOpen, onRead, onStdout, onStderr }: RunOptions = {},
  ): Promise<Result> {
    const child = spawn(process.execPath, [main, ...args], {
      cwd: this.path,
      env: { ...process.env, DEBUG: '', NO_COLOR: '1', ...env },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      stdout += chunk;
      onStdout?.(stdout, child);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      stderr += chunk;
      onStderr?.(stderr, child);
    });
    child.stdin.on('error', () => {}); // The program may end before it has read everything.
    child.stdin.write(input ?? '', () => onRead?.(child));
    if (!keepOpen) child.stdin.end();
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, stdout, stderr }));
    });
  }

  /** Runs, expects success, and gives what was printed. */
  async ok(args: string[], options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, options);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    return stdout;
  }

  /** Runs, expects one line of error and this exit code, and gives the line. */
  async fails(args: string[], code = 1, options: RunOptions = {}): Promise<string> {
    const result = await this.run(args, options);
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code, stdout: '' });
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
    return result.stderr;
  }

  write(name: string, content: string | Uint8Array): void {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), 'utf8');
  }

  has(name: string): boolean {
    return existsSync(join(this.path, name));
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export const jsonLines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

export const subjects = ['cat', 'dog', 'captain', 'whale', 'president', 'senator'];
const verbs = ['sees', 'follows', 'likes', 'fears'];

/** A folder with `text.txt`, six documents of 24 lines, and a tokenizer of its words. */
export async function folderWithTokenizer(): Promise<Folder> {
  const folder = new Folder();
  const documents = subjects.map((subject) =>
    verbs
      .flatMap((verb) => subjects.map((other) => `The ${subject} ${verb} the ${other}.`))
      .join('\n'),
  );
  folder.write('text.txt', documents.join('\n\n'));
  await folder.ok(['train-tokenizer', 'text.txt', '-o', 'tokenizer', '--vocab-size', '120', '-q']);
  return folder;
}
