import { useEffect, useRef, useState } from 'preact/hooks';
import type { Failure } from '../failure.js';
import type { Loading } from '../model-status.js';
import { type Heard, useModelWorker } from '../use-model-worker.js';
import type {
  Beginning,
  EndReason,
  Reply,
  Request,
  Settings,
  Step,
  Token,
  View,
  WriterFacts,
} from './protocol.js';

/** A text that is being written, or was. */
export interface Run {
  tokens: readonly Token[];
  state: 'writing' | 'ended';
  /** Why it ended; undefined after a failure too. */
  reason?: EndReason | undefined;
  seed: number;
  /** The model sees the text from this token on. */
  from: number;
  firstMilliseconds?: number | undefined;
  speed?: number | undefined;
}

export interface Writer {
  loading: Loading;
  /** Of the model, once it is there. */
  contextLength: number | undefined;
  run: Run | undefined;
  /** What the tokens of the last text that ended looked at. */
  view: (View & { tokens: readonly Token[] }) | undefined;
  /** Why the last text could not be written. */
  failure: Failure | undefined;
  /** How many tokens the beginning is; undefined until it is counted. */
  count: number | undefined;
  /** Writes on from a text, or from tokens, whose `choice` is kept. */
  write: (beginning: string | readonly Token[], settings: Settings) => void;
  stop: () => void;
  /** Starts over after a failure. */
  retry: () => void;
}

/** The model at `url`, held by a worker while the component lives, and what it writes. */
export function useWriter(url: string, text: string): Writer {
  const [run, setRun] = useState<Run>();
  const [view, setView] = useState<Writer['view']>();
  const [failure, setFailure] = useState<Failure>();
  const [counted, setCounted] = useState<{ text: string; count: number }>();
  const number = useRef(0);
  const kept = useRef<readonly Token[]>([]);
  const now = useRef<Run>(undefined);
  const show = (next: Run | undefined) => {
    now.current = next;
    setRun(next);
  };
  // Steps may come faster than the screen shows them.
  const waiting = useRef<Step[]>([]);
  const frame = useRef(0);
  const showSteps = () => {
    cancelAnimationFrame(frame.current);
    frame.current = 0;
    const last = waiting.current.at(-1);
    if (!now.current || !last) return;
    const { from, firstMilliseconds, speed } = last;
    const tokens = [...now.current.tokens, ...waiting.current.map(({ token }) => token)];
    waiting.current = [];
    show({ ...now.current, tokens, from, firstMilliseconds, speed });
  };
  useEffect(() => () => cancelAnimationFrame(frame.current), []);

  const hear = (reply: Heard<Reply>) => {
    if ('run' in reply && reply.run !== number.current) return;
    if (reply.type === 'counted') {
      setCounted(reply);
    } else if (reply.type === 'began') {
      waiting.current = [];
      const choices = kept.current.map((token) => token.choice);
      const tokens = reply.tokens.map((token, i) => ({ ...token, choice: choices[i] }));
      show({ tokens, state: 'writing', seed: reply.seed, from: 0 });
    } else if (reply.type === 'wrote') {
      waiting.current.push(reply.step);
      frame.current ||= requestAnimationFrame(showSteps);
    } else if (reply.type === 'ended') {
      showSteps();
      show(now.current && { ...now.current, state: 'ended', reason: reply.reason });
      if (now.current)
        setView({ ...reply.view, tokens: now.current.tokens.slice(reply.view.from) });
    } else if (reply.type === 'failed') {
      showSteps();
      // What was looked at is of another text.
      setView(undefined);
      const written = now.current?.tokens.some((token) => token.choice);
      show(written ? { ...now.current!, state: 'ended' } : undefined);
      setFailure(reply);
    }
  };
  const { loading, send, retry } = useModelWorker<Request, Reply, WriterFacts>({
    url,
    start: () => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }),
    hear,
  });

  const ready = loading.state === 'ready';
  useEffect(() => {
    if (ready) send({ type: 'count', text });
  }, [text, ready]);

  const write = (beginning: string | readonly Token[], settings: Settings) => {
    setFailure(undefined);
    kept.current = typeof beginning === 'string' ? [] : beginning;
    const from: Beginning =
      typeof beginning === 'string'
        ? { text: beginning }
        : { ids: beginning.map((token) => token.id) };
    send({ type: 'write', run: ++number.current, beginning: from, settings });
  };
  return {
    loading,
    contextLength: loading.state === 'ready' ? loading.model.contextLength : undefined,
    run,
    view,
    failure,
    count: counted?.text === text ? counted.count : undefined,
    write,
    stop: () => send({ type: 'stop' }),
    retry,
  };
}
